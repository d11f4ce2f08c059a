import { expect } from 'chai';
import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import {
  anEntry,
  anExaminedOrder,
  anOrder,
  aPayment,
  aPaymentAudited,
  aRejectedOrder,
  aReservation,
  aStock,
  someFacts,
  usd,
} from '../testing/facts.js';
import { onePaymentPerOrder } from './3-one-payment-per-order.js';
import { invariants } from './index.js';
import type { Facts, OrderFacts } from './facts.js';

/** Facts that violate an invariant, and a part of the expected violation. */
type Violation = readonly [title: string, number: number, facts: Partial<Facts>, violation: string];

const { PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED, UNSPECIFIED } = OrderState;
const observed = (state: OrderState, revision = 2, orderId = 'order-1') => [{ orderId, revision, state }];
const examined = (overrides: Partial<OrderFacts>) => ({ examined: [anExaminedOrder(overrides)] });

const violating: readonly Violation[] = [
  [
    'stock on hand differs from the sum of its movements',
    1,
    { stock: [aStock({}, { movementsSum: 8n })] },
    'on_hand 9 differs from movements 8',
  ],
  [
    'stock is still reserved',
    1,
    { stock: [aStock({ reserved: 2n, available: 7n }, { openReservationsSum: 2n })] },
    'while all orders are terminal',
  ],
  [
    'reserved stock differs from the open reservations',
    1,
    { stock: [aStock({}, { openReservationsSum: 1n })] },
    'open reservations 1',
  ],
  [
    'reserved stock exceeds stock on hand',
    1,
    { stock: [aStock({ reserved: 10n, available: -1n })] },
    'not between',
  ],
  ['reserved stock is negative', 1, { stock: [aStock({ reserved: -1n, available: 10n })] }, 'not between'],
  [
    'available stock is not stock on hand minus reserved stock',
    1,
    { stock: [aStock({ available: 8n })] },
    'available 8',
  ],
  ['the audit of the stock is missing', 1, { stock: [aStock({ audit: undefined })] }, 'audit is missing'],

  [
    'committed stock exceeds the units in confirmed orders',
    2,
    { stock: [aStock({}, { committedSum: 2n })] },
    'committed 2',
  ],
  [
    'a confirmed order deducted no stock',
    2,
    { stock: [aStock({ onHand: 10n }, { committedSum: 0n })] },
    'on_hand 10',
  ],
  ['a rejected order deducted stock', 2, { orders: [aRejectedOrder()] }, 'confirmed orders contain 0'],
  ['a confirmed order has no reservation', 2, examined({ reservation: undefined }), 'missing'],
  [
    'a rejected order has a committed reservation',
    2,
    examined({ order: aRejectedOrder() }),
    'reservation is COMMITTED',
  ],
  [
    'a rejected order still has reserved stock',
    2,
    examined({ order: aRejectedOrder(), reservation: aReservation(ReservationState.RESERVED) }),
    'reservation is RESERVED',
  ],

  [
    'an order is paid twice',
    3,
    examined({ payments: [aPayment(), aPayment({ paymentId: 'payment-2' })] }),
    '2 live payments',
  ],
  ['a confirmed order is not paid', 3, examined({ payments: [] }), 'total 4.50 USD'],
  [
    'a confirmed order is paid in part',
    3,
    examined({ payments: [aPayment({ capturedAmount: usd(449) })] }),
    'paid 449',
  ],
  [
    'more than the pending refund of a confirmed order is refunded',
    3,
    examined({
      order: anOrder({ refundPendingAmount: usd(50) }),
      payments: [aPayment({ refundedAmount: usd(51) })],
    }),
    'paid 399',
  ],
  ['a rejected order is paid', 3, examined({ order: aRejectedOrder() }), 'paid 450'],
  [
    'a cancelled order is refunded in part',
    3,
    examined({ order: anOrder({ state: CANCELLED }), payments: [aPayment({ refundedAmount: usd(400) })] }),
    'paid 50',
  ],
  [
    'an order is paid in another currency',
    3,
    examined({ order: anOrder({ total: { ...usd(450), currencyCode: 'EUR' } }) }),
    'another currency',
  ],

  [
    'a refund exceeds the captured amount',
    4,
    examined({ payments: [aPayment({ refundedAmount: usd(451) })] }),
    'refunded 451',
  ],
  [
    'the captured amount exceeds the authorized amount',
    4,
    examined({ payments: [aPayment({ authorizedAmount: usd(449) })] }),
    'captured 450',
  ],
  ['a refund is negative', 4, examined({ payments: [aPayment({ refundedAmount: usd(-1) })] }), 'negative'],

  [
    'an observed order has disappeared',
    5,
    { observedStates: observed(PENDING, 1, 'order-2') },
    'has disappeared',
  ],
  [
    'an order changes from REJECTED to CONFIRMED',
    5,
    { observedStates: observed(REJECTED, 1) },
    'from REJECTED to CONFIRMED',
  ],
  [
    'an order changes from CONFIRMED to PENDING',
    5,
    { orders: [anOrder({ state: PENDING })] },
    'from CONFIRMED to PENDING',
  ],
  ['a revision decreases', 5, { observedStates: observed(PENDING, 3) }, 'from revision 3 to 2'],
  ['a revision has two states', 5, { observedStates: observed(PENDING) }, 'at the same revision'],
  ['an order has no CreateOrder request', 5, { requests: new Set<string>() }, 'has no request'],
  ['a request has two orders', 5, { orders: [anOrder(), anOrder({ orderId: 'order-2' })] }, 'two orders'],
  [
    'an order is cancelled without a request',
    5,
    { orders: [anOrder({ state: CANCELLED, revision: 4 })] },
    'without a request',
  ],

  ['an order is still pending', 6, { orders: [anOrder({ state: PENDING })] }, 'still PENDING'],
  ['an order is still cancelling', 6, { orders: [anOrder({ state: CANCELLING })] }, 'still CANCELLING'],
  ['the orders become terminal too late', 6, { terminalAfterMs: 30_001 }, '30001 ms'],

  ['a timeline is empty', 7, examined({ timeline: [] }), 'is empty'],
  [
    'a timeline has a gap',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(3, [PENDING, CONFIRMED])] }),
    'the revision should be 2',
  ],
  [
    'a timeline does not start at revision 1',
    7,
    examined({ timeline: [anEntry(2, [UNSPECIFIED, CONFIRMED])] }),
    'the revision should be 1',
  ],
  [
    'a timeline skips a state',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [PENDING, CANCELLED])] }),
    'not a legal transition',
  ],
  [
    'a timeline entry does not follow the previous state',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [CONFIRMED, CANCELLING])] }),
    'the previous state is CONFIRMED',
  ],
  [
    'a timeline does not end in the state of the order',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [PENDING, PENDING])] }),
    'ends in another state',
  ],
  [
    'a timeline ends before the revision of the order',
    7,
    examined({ order: anOrder({ revision: 3 }) }),
    'revision 3',
  ],
  [
    'a timeline entry is earlier than the previous entry',
    7,
    examined({
      timeline: [anEntry(1, [UNSPECIFIED, PENDING], new Date(9)), anEntry(2, [PENDING, CONFIRMED])],
    }),
    'earlier than the previous entry',
  ],

  [
    'the gateway captured twice',
    8,
    examined({ payments: [aPaymentAudited({ captureCount: 2 })] }),
    'captured 2 times',
  ],
  [
    'the gateway authorized twice',
    8,
    examined({ payments: [aPaymentAudited({ authorizationCount: 2 })] }),
    'authorized 2 times',
  ],
  [
    'the gateway captured another amount',
    8,
    examined({ payments: [aPaymentAudited({ capturedAmount: usd(900) })] }),
    'gateway 900',
  ],
  [
    'the gateway has no refund',
    8,
    examined({ payments: [aPayment({ refundedAmount: usd(450) })] }),
    'refundedAmount 450',
  ],
  [
    'the gateway has an open authorization of a voided payment',
    8,
    examined({
      payments: [
        aPaymentAudited(
          { captureCount: 0, capturedAmount: usd(0) },
          { state: PaymentState.VOIDED, capturedAmount: usd(0) },
        ),
      ],
    }),
    'open authorization',
  ],
  [
    'the gateway voided a captured payment',
    8,
    examined({ payments: [aPaymentAudited({ voided: true })] }),
    'has voided it',
  ],
  ['the gateway ledger is missing', 8, examined({ payments: [aPayment({ audit: undefined })] }), 'missing'],

  [
    'a repeated request returns another order',
    9,
    { replays: [{ request: 'r', first: 'order-1', repeated: 'order-2' }] },
    'order-2',
  ],
  [
    'a repeated request created an order',
    9,
    { effects: { before: { orders: 1, onHand: 9n }, after: { orders: 2, onHand: 9n } } },
    'orders 1 → 2',
  ],
  [
    'a repeated request deducted stock',
    9,
    { effects: { before: { orders: 1, onHand: 9n }, after: { orders: 1, onHand: 8n } } },
    '9 → 8',
  ],
];

describe('invariants', () => {
  it('are numbered from 1 to 9', () => {
    expect(invariants.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  for (const { number, check } of invariants) {
    it(`hold for a correct run (invariant ${number})`, () => {
      const { figures, violations } = check(someFacts());
      expect(violations).to.deep.equal([]);
      expect(Object.keys(figures)).to.not.be.empty;
    });
  }

  for (const [title, number, facts, violation] of violating) {
    it(`include invariant ${number}, which fails when ${title}`, () => {
      const violations = invariants
        .find((invariant) => invariant.number === number)
        ?.check(someFacts(facts)).violations;
      expect(violations?.join('\n')).to.include(violation);
    });
  }

  for (const refunded of [100, 150])
    it(`hold while a refund of a confirmed order is pending and the payment shows ${refunded}`, () => {
      const facts = examined({
        order: anOrder({ refundedAmount: usd(100), refundPendingAmount: usd(50) }),
        payments: [aPayment({ refundedAmount: usd(refunded) })],
      });
      expect(onePaymentPerOrder.check(someFacts(facts)).violations).to.deep.equal([]);
    });

  it('hold for an order that was cancelled on request', () => {
    const order = anOrder({ state: CANCELLED, revision: 4 });
    const payment = aPaymentAudited(
      { refundedAmount: usd(450) },
      { state: PaymentState.REFUNDED, refundedAmount: usd(450) },
    );
    const timeline = [
      ...anExaminedOrder().timeline,
      anEntry(3, [CONFIRMED, CANCELLING]),
      anEntry(4, [CANCELLING, CANCELLED]),
    ];
    const reservation = aReservation(ReservationState.RETURNED);
    const facts = someFacts({
      orders: [order],
      cancelled: new Set(['order-1']),
      examined: [{ order, payments: [payment], timeline, reservation }],
      stock: [aStock({ onHand: 10n, available: 10n }, { movementsSum: 10n, committedSum: 0n })],
    });
    expect(invariants.flatMap(({ check }) => check(facts).violations)).to.deep.equal([]);
  });
});
