import type { Money } from '../money/index.js';

export const orderStates = ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING', 'CANCELLED'] as const;
export type OrderState = (typeof orderStates)[number];

/**
 * Legal state transitions. A step that does not change the state is a transition from the state to itself: a step of
 * the saga, an operator's action, or the recorded result of a partial refund of a CONFIRMED or CANCELLED order.
 */
export const transitions: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING: ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING'],
  CONFIRMED: ['CONFIRMED', 'CANCELLING'],
  REJECTED: [],
  CANCELLING: ['CANCELLING', 'CANCELLED'],
  CANCELLED: ['CANCELLED'],
};

/**
 * Whether `state` is CONFIRMED, REJECTED or CANCELLED. The saga of an order in such a state has ended; the cancellation
 * of a CONFIRMED order starts another saga.
 */
export function isTerminal(state: OrderState): boolean {
  return state !== 'PENDING' && state !== 'CANCELLING';
}

/** Whether an order waits for its customer (`paymentAction`) or for an operator (`block`), and not for a replica. */
export function waitsForPerson({ state, paymentAction, block }: Order): boolean {
  return (state === 'PENDING' && paymentAction !== undefined) || block !== undefined;
}

export type SagaStep =
  | 'ACCEPT'
  | 'RESERVE_STOCK'
  | 'AUTHORIZE_PAYMENT'
  | 'COMMIT_STOCK'
  | 'CAPTURE_PAYMENT'
  | 'CONFIRM'
  | 'REQUEST_CANCELLATION'
  | 'VOID_PAYMENT'
  | 'REFUND_PAYMENT'
  | 'RELEASE_STOCK'
  | 'REJECT'
  | 'CANCEL'
  | 'STOP_FULFILLMENT'
  | 'REFUND_ORDER'
  | 'RETRY_ORDER'
  | 'RESOLVE_ORDER';

export type StepOutcome = 'SUCCEEDED' | 'REFUSED' | 'IN_DOUBT';

export type RejectionReason =
  | 'OUT_OF_STOCK'
  | 'PAYMENT_DECLINED'
  | 'RESERVATION_EXPIRED'
  | 'STEP_REFUSED'
  | 'AUTHORIZATION_EXPIRED'
  | 'CAPTURE_DECLINED'
  | 'PAYMENT_ACTION_EXPIRED';

/** Reason of a rejected order. PAYMENT_DECLINED and CAPTURE_DECLINED have the decline fields, OUT_OF_STOCK has `skus`. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly declineCode?: string;
  readonly declineAdvice?: string;
  readonly skus?: readonly string[];
}

/** Returns the rejection of a REJECTED order. During compensation, the stored rejection is not returned. */
export function rejectionOf({ state, rejection }: Pick<Order, 'state' | 'rejection'>): Rejection | undefined {
  return state === 'REJECTED' ? rejection : undefined;
}

export interface OrderLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: bigint;
  readonly unitPrice: Money;
}

/** What the customer must do before the payment can be authorized. */
export interface PaymentAction {
  readonly url: string;
  readonly dueAt: Date;
}

/** A compensation that another service refused for good. An operator ends the block. */
export interface Block {
  /** Reason of the refusal, such as REFUND_DECLINED. */
  readonly reason: string;
  readonly since: Date;
}

export interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly requestId: string;
  readonly state: OrderState;
  /** At least one line, sorted by SKU. */
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly rejection: Rejection | undefined;
  /** Revision of the newest timeline entry. */
  readonly revision: number;
  readonly reservationId: string;
  readonly paymentId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Money that RefundOrder gave back. */
  readonly refunded: Money;
  /** Sum of the refunds of RefundOrder whose outcome is not known yet. */
  readonly refundPending: Money;
  /** Set while the payment waits for the customer. */
  readonly paymentAction: PaymentAction | undefined;
  readonly block: Block | undefined;
  /** The next step. Meaningless for a terminal order. */
  readonly step: SagaStep;
  /** Time of the next attempt of a parked order; undefined while a replica drives the order. */
  readonly nextAttemptAt: Date | undefined;
}

export interface TimelineEntry {
  readonly revision: number;
  /** Undefined for the first entry. */
  readonly from: OrderState | undefined;
  readonly to: OrderState;
  readonly step: SagaStep;
  readonly outcome: StepOutcome;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly time: Date;
  /** Empty when tracing is off. */
  readonly traceId: string;
  readonly detail: string;
  /** Operator that caused the entry; undefined for steps of the saga and for actions of the customer. */
  readonly actor?: string | undefined;
}

/** An order with the fields of its saga. These fields are not part of the API. */
export interface SagaOrder extends Order {
  /** Secret payment-method token of the customer. */
  readonly paymentMethod: string;
  /** Idempotency key of the refund. The key is secret, so that no other client can use the key. */
  readonly refundId: string;
  /** W3C traceparent of the span that accepted the order; empty when tracing is off. */
  readonly traceparent: string;
  /** Number of attempts of `step` that ended in doubt. */
  readonly failures: number;
  /**
   * Time at which the payment began to wait for its customer; undefined if it does not wait, or if a version before this
   * field stored the action.
   */
  readonly waitingSince: Date | undefined;
  /** The newest resolution of a blocked step. */
  readonly resolution: Resolution | undefined;
}

/** A validated CreateOrderRequest. The SKUs are unique and sorted. */
export interface OrderRequest {
  readonly requestId: string;
  readonly customerId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: bigint }[];
  readonly paymentMethod: string;
  /** The only total that the customer accepts; undefined for the total of the current prices. */
  readonly expectedTotal?: Money | undefined;
}

/** A validated CancelOrderRequest. */
export interface Cancellation {
  readonly requestId: string;
  readonly orderId: string;
  /** Customer that owns the order; empty for any customer. */
  readonly customerId: string;
  readonly reason: string;
  /** Operator that cancels the order; undefined when the customer cancels. */
  readonly actor?: string | undefined;
}

/** An action of an operator on an order. */
export interface OperatorAction {
  readonly orderId: string;
  readonly actor: string;
  readonly reason: string;
}

/** A validated RefundOrderRequest. */
export interface RefundOrder extends OperatorAction {
  readonly requestId: string;
  readonly amount: Money;
}

/** How an operator ended a block. */
export interface Resolution {
  readonly step: SagaStep;
  readonly actor: string;
  readonly reason: string;
}

/** Maximum number of items of an order, maximum quantity of one SKU, and maximum number of orders of one batch read. */
export const limits = { items: 100, quantity: 10_000n, batchOrders: 100 } as const;
