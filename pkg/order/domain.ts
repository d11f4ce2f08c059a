import type { Money } from '../money/index.js';

export const orderStates = ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING', 'CANCELLED'] as const;
export type OrderState = (typeof orderStates)[number];

/** Every legal edge of an order's life; `from` to the same state is a step within it. */
export const transitions: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING: ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING'],
  CONFIRMED: ['CANCELLING'],
  REJECTED: [],
  CANCELLING: ['CANCELLING', 'CANCELLED'],
  CANCELLED: [],
};

/** Whether the order rests: nothing drives it, and only a cancellation can move it. */
export function isResting(state: OrderState): boolean {
  return state !== 'PENDING' && state !== 'CANCELLING';
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
  | 'CANCEL';

export type StepOutcome = 'SUCCEEDED' | 'REFUSED' | 'IN_DOUBT';

export type RejectionReason = 'OUT_OF_STOCK' | 'PAYMENT_DECLINED' | 'RESERVATION_EXPIRED' | 'STEP_REFUSED';

/** Why an order ends without effect, with what is known about it. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly declineCode?: string;
  readonly declineAdvice?: string;
  readonly skus?: readonly string[];
}

/** Why an order is rejected. While it is being undone the reason is known already, but it is not rejected yet. */
export function rejectionOf({ state, rejection }: Pick<Order, 'state' | 'rejection'>): Rejection | undefined {
  return state === 'REJECTED' ? rejection : undefined;
}

export interface OrderLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: bigint;
  readonly unitPrice: Money;
}

export interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly requestId: string;
  readonly state: OrderState;
  /** In SKU order, at least one. */
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly rejection: Rejection | undefined;
  /** Revision of the newest timeline entry. */
  readonly revision: number;
  readonly reservationId: string;
  readonly paymentId: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface TimelineEntry {
  readonly revision: number;
  /** Undefined for the first entry. */
  readonly from: OrderState | undefined;
  readonly to: OrderState;
  readonly step: SagaStep;
  readonly outcome: StepOutcome;
  /** From 1. */
  readonly attempt: number;
  readonly time: Date;
  /** Empty without tracing. */
  readonly traceId: string;
  readonly detail: string;
}

/** An order as its saga sees it: what to do next, and what it takes to do it. */
export interface SagaOrder extends Order {
  /** Token that the payment service understands. Never shown. */
  readonly paymentMethod: string;
  /** Key of the refund that a cancellation makes. Never shown, so that nobody else can use it up. */
  readonly refundId: string;
  /** The span that accepted it, as a W3C traceparent; empty without tracing. Never shown. */
  readonly traceparent: string;
  readonly step: SagaStep;
  /** Attempts at `step` that ended in doubt. */
  readonly failures: number;
}

/** What a customer asked for, validated; SKUs are unique and sorted. */
export interface OrderRequest {
  readonly requestId: string;
  readonly customerId: string;
  readonly items: readonly { readonly sku: string; readonly quantity: bigint }[];
  readonly paymentMethod: string;
}

export const limits = { items: 100, quantity: 10_000n } as const;
