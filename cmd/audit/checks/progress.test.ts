import { expect } from 'chai';
import { money, toWire } from '../../../pkg/money/index.js';
import { Order, OrderState, StepOutcome, TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { Payment, PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { progressOf, type Progress } from './progress.js';

const now = Date.parse('2026-01-01T00:01:00Z');
const { PENDING, CONFIRMED, CANCELLING } = OrderState;
const seconds = (count: number): Date => new Date(now - count * 1000);

const pending = (overrides: Partial<Order>): Order => ({
  ...Order.fromPartial({ state: PENDING, createTime: seconds(31) }),
  ...overrides,
});
const payment = (state: PaymentState, audit = {}) => [Payment.fromPartial({ state, audit })];
const atGateway = { pending: true };
const intent = { createTime: seconds(601) };
const refundPendingAmount = toWire(money('USD', 450));

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
  'an order whose payment has been pending for long, and the gateway has no such request': [
    'LATE',
    pending(intent),
    payment(PaymentState.PENDING),
  ],
  'an order whose payment has been pending at the gateway for long': [
    'AWAITS_GATEWAY',
    pending(intent),
    payment(PaymentState.PENDING, atGateway),
  ],
  'an order whose refund has been pending for long, and the gateway has no such request': [
    'LATE',
    pending(intent),
    [Payment.fromPartial({ state: PaymentState.CAPTURED, refundPendingAmount, audit: {} })],
  ],
  'an order whose refund has been pending at the gateway for long': [
    'AWAITS_GATEWAY',
    pending(intent),
    [Payment.fromPartial({ state: PaymentState.CAPTURED, refundPendingAmount, audit: atGateway })],
  ],
  'an order with an undecided request at the gateway that its payment does not wait for': [
    'LATE',
    pending({}),
    payment(PaymentState.AUTHORIZED, atGateway),
  ],
  'an order whose payment is authorized': ['LATE', pending({}), payment(PaymentState.AUTHORIZED)],
  'a blocked order': ['BLOCKED', pending({ createTime: seconds(1), blockedReason: 'REFUND_DECLINED' })],
};

describe('progressOf', () => {
  for (const [title, [expected, order, payments = []]] of Object.entries(cases))
    it(`judges ${title} as ${expected}`, () => {
      expect(progressOf({ order, payments, timeline: [] }, now)).to.equal(expected);
    });

  it('counts the wait for a payment from the last step with a definite result', () => {
    const progressAfter = (outcome: StepOutcome): Progress => {
      const entry = { fromState: PENDING, toState: PENDING, outcome, time: seconds(599) };
      const timeline = [TimelineEntry.fromPartial(entry)];
      return progressOf({ order: pending(intent), payments: payment(PaymentState.PENDING), timeline }, now);
    };
    expect(progressAfter(StepOutcome.SUCCEEDED)).to.equal('AWAITS_GATEWAY');
    expect(progressAfter(StepOutcome.IN_DOUBT)).to.equal('LATE');
  });

  it('counts a cancellation from its request, not from the last attempt', () => {
    const order = pending({ state: CANCELLING, updateTime: seconds(1) });
    const requested = { fromState: CONFIRMED, toState: CANCELLING, time: seconds(31) };
    const timeline = [TimelineEntry.fromPartial(requested)];
    expect(progressOf({ order, payments: [], timeline }, now)).to.equal('LATE');
  });
});
