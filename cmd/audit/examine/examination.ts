/** Ids that prove a violation, such as `{ order_id: '…', payment_ids: ['…'] }`. */
export type Ids = Readonly<Record<string, string | readonly string[]>>;

export interface Finding {
  /** Number of the violated invariant. */
  readonly invariant: number;
  /** Text that is equal in two readings if the entities have not changed. */
  readonly violation: string;
  readonly ids: Ids;
  /** Safe next step for an operator. */
  readonly nextStep?: string;
}

/** What the audit examines and, if it finds a violation, examines again. */
export type Subject =
  | { readonly kind: 'order'; readonly orderId: string }
  | { readonly kind: 'stock'; readonly sku: string }
  | { readonly kind: 'payment'; readonly paymentId: string }
  | { readonly kind: 'reservation'; readonly reservationId: string }
  | { readonly kind: 'transactions'; readonly paymentId: string }
  | { readonly kind: 'shared'; readonly key: SharedKey; readonly orderIds: readonly string[] }
  | { readonly kind: 'acknowledged'; readonly orderId: string; readonly state: string };

/** A value that at most one order may have. */
export type SharedKey =
  | { readonly name: 'payment_id' | 'reservation_id'; readonly id: string }
  | { readonly name: 'request_id'; readonly id: string; readonly customerId: string };

/** One reading of the entities of a subject. */
export interface Examination {
  readonly subject: Subject;
  /** Revisions, states and update times of the entities. */
  readonly version: string;
  readonly findings: readonly Finding[];
}
