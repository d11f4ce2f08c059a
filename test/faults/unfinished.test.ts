import { expect } from 'chai';
import { anOrder } from '../../cmd/test-client/testing/facts.js';
import { OrderState, SagaStep, type Order } from '../../pkg/pb/order/v1/order.js';
import { findUnfinished, isSettled } from './unfinished.js';

const now = Date.parse('2026-01-01T00:01:00Z');
const { PENDING, CANCELLING, CANCELLED } = OrderState;

const dueBefore = (seconds: number) => ({ url: '', dueTime: new Date(now - seconds * 1000) });
const open = (overrides: Partial<Order>): Order =>
  anOrder({ state: PENDING, step: SagaStep.AUTHORIZE_PAYMENT, ...overrides });

const finished: Readonly<Record<string, Order>> = {
  'a confirmed order': anOrder(),
  'a cancelled order': anOrder({ state: CANCELLED }),
  'a blocked order': open({ state: CANCELLING, blockedReason: 'REFUND_DECLINED' }),
  'an order whose customer can still act': open({ paymentAction: dueBefore(-1) }),
  'an order whose customer could act until shortly before': open({ paymentAction: dueBefore(10) }),
};
const unfinished: Readonly<Record<string, Order>> = {
  'a pending order': open({}),
  'an order whose customer did not act': open({ paymentAction: dueBefore(11) }),
  'a cancellation of an order whose customer can act': open({
    state: CANCELLING,
    paymentAction: dueBefore(-1),
  }),
};

describe('the unfinished orders of a fault run', () => {
  for (const [title, order] of Object.entries(finished))
    it(`do not include ${title}`, () => {
      expect(findUnfinished([order], now)).to.deep.equal([]);
    });

  for (const [title, order] of Object.entries(unfinished))
    it(`include ${title}`, () => {
      expect(findUnfinished([order], now)).to.deep.equal([
        `order order-1 is ${OrderState[order.state]} at AUTHORIZE_PAYMENT`,
      ]);
    });

  it('are awaited like the orders whose customers can still act', () => {
    const orders = { ...finished, ...unfinished };
    const awaited = Object.keys(orders).filter((title) => !isSettled(orders[title] as Order));
    expect(awaited).to.have.members([
      'an order whose customer can still act',
      'an order whose customer could act until shortly before',
      ...Object.keys(unfinished),
    ]);
  });
});
