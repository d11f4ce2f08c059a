import { expect } from 'chai';
import { Order, OrderState, TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { Payment, PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { progressOf, type Progress } from './progress.js';

const now = Date.parse('2026-01-01T00:01:00Z');
const { PENDING, CONFIRMED, CANCELLING } = OrderState;
const seconds = (count: number): Date => new Date(now - count * 1000);

const pending = (overrides: Partial<Order>): Order => ({
  ...Order.fromPartial({ state: PENDING, createTime: seconds(31) }),
  ...overrides,
});
const payment = (state: PaymentState) => [Payment.fromPartial({ state })];

const cases: Readonly<Record<string, readonly [Progress, Order, Payment[]?]>> = {
  'a confirmed order': ['TERMINAL', pending({ state: CONFIRMED })],
  'a new order': ['RUNNING', pending({ createTime: seconds(30) })],
  'an old order': ['LATE', pending({})],
  'a new cancellation of an old order': [
    'RUNNING',
    pending({ state: CANCELLING, createTime: seconds(999), updateTime: seconds(1) }),
  ],
  'an order whose customer must act': [
    'AWAITS_CUSTOMER',
    pending({ paymentAction: { url: '', dueTime: seconds(-9) } }),
  ],
  'an order whose customer did not act': [
    'LATE',
    pending({ paymentAction: { url: '', dueTime: seconds(31) } }),
  ],
  'an order whose payment is pending': ['AWAITS_GATEWAY', pending({}), payment(PaymentState.PENDING)],
  'an order whose payment is authorized': ['LATE', pending({}), payment(PaymentState.AUTHORIZED)],
  'a blocked order': ['BLOCKED', pending({ createTime: seconds(1), blockedReason: 'REFUND_DECLINED' })],
};

describe('progressOf', () => {
  for (const [title, [expected, order, payments = []]] of Object.entries(cases))
    it(`judges ${title} as ${expected}`, () => {
      expect(progressOf({ order, payments, timeline: [] }, now)).to.equal(expected);
    });

  it('counts a cancellation from its request, not from the last attempt', () => {
    const order = pending({ state: CANCELLING, updateTime: seconds(1) });
    const requested = { fromState: CONFIRMED, toState: CANCELLING, time: seconds(31) };
    const timeline = [TimelineEntry.fromPartial(requested)];
    expect(progressOf({ order, payments: [], timeline }, now)).to.equal('LATE');
  });
});
