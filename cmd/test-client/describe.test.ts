import { expect } from 'chai';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { describeEntry, describeTally, outcomeOf, tally } from './describe.js';
import { isLegalEdge, isReachable } from './legal.js';
import { anEntry, anOrder, aRejectedOrder } from './testing/facts.js';

const { UNSPECIFIED, PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED } = OrderState;

describe('describing orders', () => {
  it('says how an order ended and why', () => {
    expect(outcomeOf(anOrder())).to.equal('CONFIRMED');
    expect(outcomeOf(aRejectedOrder())).to.equal('REJECTED OUT_OF_STOCK');
  });

  it('counts outcomes', () => {
    const counts = tally(['REJECTED', 'CONFIRMED', 'CONFIRMED']);
    expect(describeTally(counts)).to.equal('2 CONFIRMED, 1 REJECTED');
  });

  it('tells the entries of a timeline', () => {
    const first = anEntry(1, [UNSPECIFIED, PENDING]);
    const doubtful = { ...anEntry(2, [PENDING, PENDING]), attempt: 2, detail: 'PAYMENT_IN_DOUBT' };
    const last = anEntry(3, [PENDING, CONFIRMED]);
    expect([first, doubtful, last].map(describeEntry)).to.deep.equal([
      '1. ACCEPT SUCCEEDED, PENDING',
      '2. ACCEPT SUCCEEDED, PENDING, attempt 2, PAYMENT_IN_DOUBT',
      '3. ACCEPT SUCCEEDED, PENDING → CONFIRMED',
    ]);
  });
});

describe('the state diagram of an order', () => {
  const states = [UNSPECIFIED, PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED];

  it('has the six edges of the contract', () => {
    const edges = states.flatMap((from) =>
      states.filter((to) => isLegalEdge(from, to)).map((to) => `${OrderState[from]} ${OrderState[to]}`),
    );
    expect(edges).to.have.members([
      'UNSPECIFIED PENDING',
      'PENDING CONFIRMED',
      'PENDING REJECTED',
      'PENDING CANCELLING',
      'CONFIRMED CANCELLING',
      'CANCELLING CANCELLED',
    ]);
  });

  it('leads nowhere from an end', () => {
    expect(states.filter((to) => isReachable(REJECTED, to))).to.deep.equal([REJECTED]);
    expect(states.filter((to) => isReachable(CANCELLED, to))).to.deep.equal([CANCELLED]);
    expect(states.filter((to) => isReachable(CONFIRMED, to))).to.deep.equal([
      CONFIRMED,
      CANCELLING,
      CANCELLED,
    ]);
  });
});
