import { expect } from 'chai';
import { money, toWire } from '../../../pkg/money/index.js';
import { Order, OrderState } from '../../../pkg/pb/order/v1/order.js';
import { Payment, PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { gatewayViolations } from './gateway.js';
import { amountViolations, orderMoneyViolations } from './payment.js';

const usd = (minor: number) => toWire(money('USD', minor));
const { CONFIRMED, CANCELLING, CANCELLED, REJECTED, PENDING } = OrderState;

function order(state: OrderState, refunded?: number): Order {
  const refundedAmount = refunded === undefined ? undefined : usd(refunded);
  return { ...Order.fromPartial({ state, total: usd(450) }), refundedAmount };
}

/** A captured payment in sync with the gateway, of which the gateway has refunded `atGateway`. */
function payment(overrides: Partial<Payment> = {}, atGateway = 0): Payment {
  const amounts = { authorizedAmount: usd(450), capturedAmount: usd(450) };
  const audit = { authorizationCount: 1, captureCount: 1, voided: false, refundedAmount: usd(atGateway) };
  const captured = { state: PaymentState.CAPTURED, amount: usd(450), refundedAmount: usd(0), ...amounts };
  return { ...Payment.fromPartial({ ...captured, audit: { ...audit, ...amounts } }), ...overrides };
}

const refunded = (minor: number, more: Partial<Payment> = {}): Partial<Payment> => ({
  state: PaymentState.PARTIALLY_REFUNDED,
  refundedAmount: usd(minor),
  ...more,
});

const uncaptured = (state: PaymentState): Payment => payment({ state, capturedAmount: usd(0) });

describe('the money of an order', () => {
  const cases: Readonly<Record<string, readonly [Order, Payment, readonly string[]]>> = {
    'agrees after a refund of a part': [order(CONFIRMED, 50), payment(refunded(50)), []],
    'differs when the order does not show the refund': [
      order(CONFIRMED),
      payment(refunded(50)),
      ['total 4.50 USD, but paid 400 minor units'],
    ],
    'differs when the refund did not happen': [
      order(CONFIRMED, 50),
      payment(),
      ['total 4.50 USD less refunded 0.50 USD, but paid 450 minor units'],
    ],
    'differs when the authorization of a cancelled order is open': [
      order(CANCELLED),
      uncaptured(PaymentState.AUTHORIZED),
      ['open payments: AUTHORIZED'],
    ],
    'differs when the gateway may still authorize the payment of a cancelled order': [
      order(CANCELLED),
      uncaptured(PaymentState.PENDING),
      ['open payments: PENDING'],
    ],
    'differs when the customer of a rejected order can still act': [
      order(REJECTED),
      uncaptured(PaymentState.ACTION_REQUIRED),
      ['open payments: ACTION_REQUIRED'],
    ],
    'differs when the payment of a cancelled order is captured': [
      order(CANCELLED),
      payment(),
      ['paid 450 minor units'],
    ],
    'differs when a part of the payment of a cancelled order is not returned': [
      order(CANCELLED),
      payment(refunded(400)),
      ['paid 50 minor units'],
    ],
    'agrees when the payment of a cancelled order is voided': [
      order(CANCELLED),
      uncaptured(PaymentState.VOIDED),
      [],
    ],
    'is not decided while the customer of an unfinished order must act': [
      order(CANCELLING),
      uncaptured(PaymentState.ACTION_REQUIRED),
      [],
    ],
    'is not decided while the order is unfinished': [order(PENDING), payment(), []],
  };

  for (const [title, [subject, paid, violations]] of Object.entries(cases))
    it(title, () => {
      expect(orderMoneyViolations(subject, [paid])).to.deep.equal(violations);
    });
});

describe('the amounts of a payment', () => {
  it('include pending refunds', () => {
    const subject = payment(refunded(400, { refundPendingAmount: usd(51) }));
    expect(amountViolations(subject)).to.deep.equal(['refunded 400 and pending 51 exceed captured 450']);
  });
});

describe('a payment and the gateway', () => {
  const agreeing: Readonly<Record<string, Payment>> = {
    'with a refund at the gateway': payment(refunded(50), 50),
    'with a refund outside the gateway': payment(refunded(50, { externallyRefundedAmount: usd(50) })),
    'while a refund is pending that the gateway has not made': payment({ refundPendingAmount: usd(50) }),
    'while a refund is pending that the gateway has made': payment({ refundPendingAmount: usd(50) }, 50),
    'while the authorization is pending': payment({
      state: PaymentState.PENDING,
      authorizedAmount: undefined,
    }),
  };
  for (const [title, subject] of Object.entries(agreeing))
    it(`agree ${title}`, () => {
      expect(gatewayViolations(subject)).to.deep.equal([]);
    });

  it('differ when the gateway has refunded more than is recorded and pending', () => {
    const subject = payment(refunded(50, { refundPendingAmount: usd(20) }), 71);
    expect(gatewayViolations(subject)).to.deep.equal(['refundedAmount 50, gateway 71']);
  });
});
