import { expect } from 'chai';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { formatTimelineEntry, formatCounts, outcomeOf, countValues } from './format.js';
import { orderStates, transitions } from '../../../pkg/order/domain.js';
import { isLegalTransition, isReachable } from '../../audit/checks/order-states.js';
import { anEntry, anOrder, aRejectedOrder } from '../testing/facts.js';

const { UNSPECIFIED, PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED } = OrderState;

describe('order formatting', () => {
  it('formats the state and the rejection reason of an order', () => {
    expect(outcomeOf(anOrder())).to.equal('CONFIRMED');
    expect(outcomeOf(aRejectedOrder())).to.equal('REJECTED OUT_OF_STOCK');
  });

  it('counts the occurrences of each value', () => {
    const counts = countValues(['REJECTED', 'CONFIRMED', 'CONFIRMED']);
    expect(formatCounts(counts)).to.equal('2 CONFIRMED, 1 REJECTED');
  });

  it('formats timeline entries', () => {
    const first = anEntry(1, [UNSPECIFIED, PENDING]);
    const inDoubt = { ...anEntry(2, [PENDING, PENDING]), attempt: 2, detail: 'PAYMENT_IN_DOUBT' };
    const last = anEntry(3, [PENDING, CONFIRMED]);
    expect([first, inDoubt, last].map(formatTimelineEntry)).to.deep.equal([
      '1. ACCEPT SUCCEEDED, PENDING',
      '2. ACCEPT SUCCEEDED, PENDING, attempt 2, PAYMENT_IN_DOUBT',
      '3. ACCEPT SUCCEEDED, PENDING → CONFIRMED',
    ]);
  });
});

describe('order states', () => {
  const states = [UNSPECIFIED, PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED];

  it('have the transitions of the order service, and start as PENDING', () => {
    const legal = states.flatMap((from) =>
      states.filter((to) => isLegalTransition(from, to)).map((to) => `${OrderState[from]} ${OrderState[to]}`),
    );
    const served = orderStates.flatMap((from) => transitions[from].map((to) => `${from} ${to}`));
    expect(legal).to.have.members(['UNSPECIFIED PENDING', ...served]);
  });

  it('do not change after REJECTED or CANCELLED, and change after CONFIRMED only by a cancellation', () => {
    expect(states.filter((to) => isReachable(REJECTED, to))).to.deep.equal([REJECTED]);
    expect(states.filter((to) => isReachable(CANCELLED, to))).to.deep.equal([CANCELLED]);
    expect(states.filter((to) => isReachable(CONFIRMED, to))).to.deep.equal([
      CONFIRMED,
      CANCELLING,
      CANCELLED,
    ]);
  });
});
