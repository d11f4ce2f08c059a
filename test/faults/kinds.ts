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

/** What a client does beside or after CreateOrder, and the call whose results show that the action was effective. */
export interface Action {
  readonly name: string;
  readonly weight: number;
  readonly method: string;
  /** The call must fail with this reason; by default, it must succeed. */
  readonly reason?: string;
  /** Least number of such results for one request; 1 by default. */
  readonly results?: number;
  /** Share of the actions that can be effective; 1 by default. REJECTED orders are neither cancelled nor refunded. */
  readonly share?: number;
}

export const actions: readonly Action[] = [
  { name: 'none', weight: 60, method: 'CreateOrder' },
  /** Sends the request again, at the same time and after the answer. */
  { name: 'repeat', weight: 10, method: 'CreateOrder', results: 3 },
  /** Sends another request with the key of the order. */
  { name: 'reuse key', weight: 3, method: 'CreateOrder', reason: 'REQUEST_ID_REUSED' },
  { name: 'cancel', weight: 10, method: 'CancelOrder', share: 0.7 },
  /** Cancels while the order is probably still in progress. */
  { name: 'cancel early', weight: 8, method: 'CancelOrder', share: 0.7 },
  /** An operator refunds the payment, then the customer cancels the order. */
  { name: 'refund and cancel', weight: 4, method: 'RefundPayment', share: 0.4 },
  /** An operator refunds the order, which stays CONFIRMED. */
  { name: 'refund order', weight: 6, method: 'RefundOrder', share: 0.4 },
  /** An operator refunds the order, then the customer cancels it, half of the time before the refund is done. */
  { name: 'refund order and cancel', weight: 4, method: 'RefundOrder', share: 0.2 },
  /** CreateOrder with an unknown product, with no effect. */
  { name: 'invalid', weight: 3, method: 'CreateOrder', reason: 'PRODUCT_NOT_FOUND' },
];

/** What operators do with unfinished and blocked orders. */
export const operatorActions = [
  { name: 'retry order', method: 'RetryOrder', perMinute: 4 },
  { name: 'retry blocked order', method: 'RetryOrder', perMinute: 1 },
  { name: 'resolve blocked order', method: 'ResolveOrder', perMinute: 1 },
] as const;

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

/** Number of acknowledged orders that a run of one minute needs. Each kind and action needs its share of them. */
const requiredOrders = 80;

/** Number of successes of each kind and action that a run of one minute needs, also on a slow machine. */
export const requiredSuccesses: ReadonlyMap<string, number> = new Map([
  ...shares(orderKinds),
  ...shares(actions),
  ...operatorActions.map(({ name, perMinute }) => [name, perMinute] as const),
]);

function shares(items: readonly Pick<Action, 'name' | 'weight' | 'share'>[]): [string, number][] {
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  return items.map(({ name, weight, share = 1 }) => [name, (requiredOrders * share * weight) / total]);
}
