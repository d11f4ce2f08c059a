/** A kind of product; see `products` for the stock. */
export type Stock = 'hot' | 'plenty' | 'scarce' | 'none';

/** A kind of order. The payment method selects the behavior of the simulated gateway. */
export interface OrderKind {
  readonly name: string;
  /** Relative frequency. */
  readonly weight: number;
  readonly paymentMethod: string;
  /** Products that the order may contain; {@link ample} by default. */
  readonly stock?: readonly Stock[];
  /** The outcomes of an order that is not cancelled, `CONFIRMED` by default. Any other outcome is a violation. */
  readonly outcomes?: readonly string[];
  /** The gateway declines refunds, so that a cancellation after the capture is blocked. */
  readonly declinesRefunds?: boolean;
}

export const ample: readonly Stock[] = ['hot', 'plenty'];

/** All kinds of orders. A new test payment method needs one line here. */
export const orderKinds: readonly OrderKind[] = [
  { name: 'approved', weight: 40, paymentMethod: 'pm_approve' },
  { name: 'slow', weight: 5, paymentMethod: 'pm_slow' },
  { name: 'in doubt', weight: 4, paymentMethod: 'pm_fail_2_then_approve' },
  { name: 'answer lost', weight: 4, paymentMethod: 'pm_answer_lost' },
  { name: 'capture answer lost', weight: 4, paymentMethod: 'pm_capture_answer_lost' },
  { name: 'refund answer lost', weight: 5, paymentMethod: 'pm_refund_answer_lost' },
  { name: 'answered later', weight: 4, paymentMethod: 'pm_authorize_pending' },
  {
    name: 'customer acts',
    weight: 4,
    paymentMethod: 'pm_action_required',
    // The reservations are short, so that a customer may act after the due time.
    outcomes: ['CONFIRMED', 'REJECTED PAYMENT_ACTION_EXPIRED'],
  },
  { name: 'refund pending', weight: 5, paymentMethod: 'pm_refund_pending' },
  { name: 'refund declined', weight: 3, paymentMethod: 'pm_refund_declined', declinesRefunds: true },
  {
    name: 'refund declined later',
    weight: 2,
    paymentMethod: 'pm_refund_pending_declined',
    declinesRefunds: true,
  },
  {
    name: 'declined',
    weight: 6,
    paymentMethod: 'pm_decline_card_expired',
    outcomes: ['REJECTED PAYMENT_DECLINED'],
  },
  {
    name: 'action expires',
    weight: 3,
    paymentMethod: 'pm_action_expires',
    outcomes: ['REJECTED PAYMENT_ACTION_EXPIRED'],
  },
  {
    name: 'capture declined',
    weight: 4,
    paymentMethod: 'pm_capture_declined',
    outcomes: ['REJECTED CAPTURE_DECLINED'],
  },
  {
    name: 'authorization expires',
    weight: 4,
    paymentMethod: 'pm_authorization_expires',
    outcomes: ['REJECTED AUTHORIZATION_EXPIRED'],
  },
  {
    name: 'sold out',
    weight: 5,
    paymentMethod: 'pm_approve',
    stock: ['none'],
    outcomes: ['REJECTED OUT_OF_STOCK'],
  },
  {
    name: 'last units',
    weight: 20,
    paymentMethod: 'pm_slow',
    stock: ['scarce'],
    outcomes: ['CONFIRMED', 'REJECTED OUT_OF_STOCK', 'REJECTED RESERVATION_EXPIRED'],
  },
];

/** Products by kind of stock: their number and the initial units of each. An operator adds units to scarce products. */
export const products: Readonly<Record<Stock, { readonly count: number; readonly units: number }>> = {
  hot: { count: 1, units: 10_000_000 },
  plenty: { count: 10, units: 1_000_000 },
  scarce: { count: 2, units: 2 },
  none: { count: 1, units: 1 },
};

/** What a client does beside or after CreateOrder. */
export const actions = [
  { name: 'none', weight: 60 },
  /** Sends the request again, at the same time and after the answer. */
  { name: 'repeat', weight: 10 },
  /** Sends another request with the key of the order. */
  { name: 'reuse key', weight: 3 },
  { name: 'cancel', weight: 10 },
  /** Cancels while the order is probably still in progress. */
  { name: 'cancel early', weight: 8 },
  /** An operator refunds a part of the payment, then the customer cancels the order. */
  { name: 'refund and cancel', weight: 4 },
  /** An operator refunds a part of the order, which stays CONFIRMED. */
  { name: 'refund order', weight: 6 },
  /** An operator refunds a part of the order, then the customer cancels it. */
  { name: 'refund order and cancel', weight: 4 },
  /** CreateOrder with an unknown product, with no effect. */
  { name: 'invalid', weight: 3 },
] as const;

export type ActionName = (typeof actions)[number]['name'];

/**
 * Number of stored orders of a kind, and with an action, that a run of one minute needs for a weight of one. A quarter
 * of what two minutes with 32 clients reach.
 */
export const requiredPerWeight = 1;

/** Number of successful calls of each method that a run of one minute needs, also on a slow machine. */
export const requiredCalls: Readonly<Record<string, number>> = {
  'AdjustStock ok': 10,
  'CancelOrder ok': 20,
  'CreateOrder ok': 100,
  'RefundOrder ok': 3,
  'RefundPayment ok': 2,
  'ResolveOrder ok': 0.5,
  'RetryOrder ok': 2,
};

/** Number of orders with each outcome that a run of one minute needs, also on a slow machine. */
export const requiredOutcomes: Readonly<Record<string, number>> = {
  CONFIRMED: 40,
  CANCELLED: 10,
  CANCELLING: 0.5,
  'REJECTED AUTHORIZATION_EXPIRED': 0.5,
  'REJECTED CAPTURE_DECLINED': 0.5,
  'REJECTED OUT_OF_STOCK': 5,
  'REJECTED PAYMENT_ACTION_EXPIRED': 0.5,
  'REJECTED PAYMENT_DECLINED': 3,
  'REJECTED RESERVATION_EXPIRED': 0.5,
};
