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
import { invariants } from './index.js';
import type { Facts } from './facts.js';

/** A world in which an invariant is broken, and what it says about it. */
type Broken = readonly [title: string, number: number, facts: Partial<Facts>, violation: string];

const { PENDING, CONFIRMED, REJECTED, CANCELLING, CANCELLED, UNSPECIFIED } = OrderState;
const seen = (state: OrderState, revision = 2, orderId = 'order-1') => [{ orderId, revision, state }];
const examined = (over: Parameters<typeof anExaminedOrder>[0]) => ({ examined: [anExaminedOrder(over)] });

const broken: readonly Broken[] = [
  ['movements do not add up', 1, { stock: [aStock({}, { movementsSum: 8n })] }, 'on_hand 9, but movements 8'],
  [
    'stock is still claimed',
    1,
    { stock: [aStock({ reserved: 2n, available: 7n }, { openReservationsSum: 2n })] },
    'nothing is running',
  ],
  [
    'claims and reservations differ',
    1,
    { stock: [aStock({}, { openReservationsSum: 1n })] },
    'open reservations 1',
  ],
  ['more is claimed than there is', 1, { stock: [aStock({ reserved: 10n, available: -1n })] }, 'not within'],
  ['a claim is negative', 1, { stock: [aStock({ reserved: -1n, available: 10n })] }, 'not within'],
  ['available is not the difference', 1, { stock: [aStock({ available: 8n })] }, 'available 8'],
  ['stock comes without an audit', 1, { stock: [aStock({ audit: undefined })] }, 'audit is missing'],

  ['more is committed than sold', 2, { stock: [aStock({}, { committedSum: 2n })] }, 'committed 2'],
  [
    'a confirmed order took no stock',
    2,
    { stock: [aStock({ onHand: 10n }, { committedSum: 0n })] },
    'on_hand 10',
  ],
  ['a rejected order keeps its stock', 2, { orders: [aRejectedOrder()] }, 'confirmed orders hold 0'],
  ['a confirmed order has no reservation', 2, examined({ reservation: undefined }), 'missing'],
  [
    'a rejected order has a committed one',
    2,
    examined({ order: aRejectedOrder() }),
    'reservation is COMMITTED',
  ],
  [
    'a rejected order still claims stock',
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
    'kept 449',
  ],
  ['a rejected order is paid', 3, examined({ order: aRejectedOrder() }), 'kept 450'],
  [
    'a cancelled order is refunded in part',
    3,
    examined({ order: anOrder({ state: CANCELLED }), payments: [aPayment({ refundedAmount: usd(400) })] }),
    'kept 50',
  ],
  [
    'an order is paid in another currency',
    3,
    examined({ order: anOrder({ total: { ...usd(450), currencyCode: 'EUR' } }) }),
    'another currency',
  ],

  [
    'more is refunded than captured',
    4,
    examined({ payments: [aPayment({ refundedAmount: usd(451) })] }),
    'refunded 451',
  ],
  [
    'more is captured than authorized',
    4,
    examined({ payments: [aPayment({ authorizedAmount: usd(449) })] }),
    'captured 450',
  ],
  ['a refund is negative', 4, examined({ payments: [aPayment({ refundedAmount: usd(-1) })] }), 'negative'],

  ['an order that was seen is gone', 5, { sightings: seen(PENDING, 1, 'order-2') }, 'is gone'],
  ['a rejected order is confirmed', 5, { sightings: seen(REJECTED, 1) }, 'from REJECTED to CONFIRMED'],
  [
    'a confirmed order is pending again',
    5,
    { orders: [anOrder({ state: PENDING })] },
    'from CONFIRMED to PENDING',
  ],
  ['a revision goes back', 5, { sightings: seen(PENDING, 3) }, 'from revision 3 to 2'],
  ['a revision has two states', 5, { sightings: seen(PENDING) }, 'at the same revision'],
  ['there is an order that nobody placed', 5, { requests: new Set<string>() }, 'nobody placed'],
  [
    'one request became two orders',
    5,
    { orders: [anOrder(), anOrder({ orderId: 'order-2' })] },
    'two orders',
  ],
  [
    'an order is cancelled without request',
    5,
    { orders: [anOrder({ state: CANCELLED, revision: 4 })] },
    'nobody asked',
  ],

  ['an order is still pending', 6, { orders: [anOrder({ state: PENDING })] }, 'still PENDING'],
  ['an order is still cancelling', 6, { orders: [anOrder({ state: CANCELLING })] }, 'still CANCELLING'],
  ['orders took too long', 6, { restedAfterMs: 30_001 }, '30001 ms'],

  ['a timeline is empty', 7, examined({ timeline: [] }), 'is empty'],
  [
    'a timeline has a gap',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(3, [PENDING, CONFIRMED])] }),
    '2 was due',
  ],
  [
    'a timeline does not start at 1',
    7,
    examined({ timeline: [anEntry(2, [UNSPECIFIED, CONFIRMED])] }),
    '1 was due',
  ],
  [
    'a timeline jumps over a state',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [PENDING, CANCELLED])] }),
    'no legal edge',
  ],
  [
    'a timeline forgets where it was',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [CONFIRMED, CANCELLING])] }),
    'leaves CONFIRMED',
  ],
  [
    'a timeline ends elsewhere',
    7,
    examined({ timeline: [anEntry(1, [UNSPECIFIED, PENDING]), anEntry(2, [PENDING, PENDING])] }),
    'ends elsewhere',
  ],
  ['a timeline is behind its order', 7, examined({ order: anOrder({ revision: 3 }) }), 'revision 3'],
  [
    'a timeline goes back in time',
    7,
    examined({
      timeline: [anEntry(1, [UNSPECIFIED, PENDING], new Date(9)), anEntry(2, [PENDING, CONFIRMED])],
    }),
    'before the one before',
  ],

  [
    'the gateway charged twice',
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
    'the gateway took more',
    8,
    examined({ payments: [aPaymentAudited({ capturedAmount: usd(900) })] }),
    'gateway 900',
  ],
  [
    'the gateway knows no refund',
    8,
    examined({ payments: [aPayment({ refundedAmount: usd(450) })] }),
    'refundedAmount 450',
  ],
  [
    'the gateway still blocks voided money',
    8,
    examined({
      payments: [
        aPaymentAudited(
          { captureCount: 0, capturedAmount: usd(0) },
          { state: PaymentState.VOIDED, capturedAmount: usd(0) },
        ),
      ],
    }),
    'still blocks',
  ],
  [
    'the gateway voided what we captured',
    8,
    examined({ payments: [aPaymentAudited({ voided: true })] }),
    'holds a void',
  ],
  ["the gateway's books are missing", 8, examined({ payments: [aPayment({ audit: undefined })] }), 'missing'],

  [
    'an equal request became another order',
    9,
    { replays: [{ request: 'r', first: 'order-1', again: 'order-2' }] },
    'order-2',
  ],
  [
    'an equal request made one more order',
    9,
    { effects: { before: { orders: 1, onHand: 9n }, after: { orders: 2, onHand: 9n } } },
    'orders 1 → 2',
  ],
  [
    'an equal request took stock',
    9,
    { effects: { before: { orders: 1, onHand: 9n }, after: { orders: 1, onHand: 8n } } },
    '9 → 8',
  ],
];

describe('the invariants', () => {
  it('are nine, in the order of the specification', () => {
    expect(invariants.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  for (const { number, check } of invariants) {
    it(`${number} holds for a sound run`, () => {
      const { figures, violations } = check(someFacts());
      expect(violations).to.deep.equal([]);
      expect(Object.keys(figures)).to.not.be.empty;
    });
  }

  for (const [title, number, facts, violation] of broken) {
    it(`${number} fails when ${title}`, () => {
      const violations = invariants.find((one) => one.number === number)?.check(someFacts(facts)).violations;
      expect(violations?.join('\n')).to.include(violation);
    });
  }

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
