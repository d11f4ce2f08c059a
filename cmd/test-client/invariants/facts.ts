import type { Reservation, StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';
import type { Order, TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import type { Payment } from '../../../pkg/pb/payment/v1/payment.js';
import type { ObservedState } from '../context/run-log.js';

/** The final state of the services for all requests of a run. */
export interface Facts {
  readonly stock: readonly StockFacts[];
  /** Every order of every customer of the run. */
  readonly orders: readonly Order[];
  /** All orders or a sample, each with its data from every service. */
  readonly examined: readonly OrderFacts[];
  /** Order states in the responses of the run. */
  readonly observedStates: readonly ObservedState[];
  /** Ids of the orders with a CancelOrder request. */
  readonly cancelled: ReadonlySet<string>;
  /** The `requestKey` of each CreateOrder request. */
  readonly requests: ReadonlySet<string>;
  /** Time from the start of the invariant checks until all orders were terminal. */
  readonly terminalAfterMs: number;
  readonly replays: readonly Replay[];
  /** Effects before and after the replays. The replays must not change the effects. */
  readonly effects: { readonly before: Effects; readonly after: Effects };
}

export interface StockFacts {
  /** Stock level with its audit. */
  readonly level: StockLevel;
  /** Units that the run added to the stock. */
  readonly delivered: bigint;
}

export interface OrderFacts {
  readonly order: Order;
  /** Payments with their audits. */
  readonly payments: readonly Payment[];
  readonly timeline: readonly TimelineEntry[];
  readonly reservation: Reservation | undefined;
}

/** A repeated request, with the first and the repeated response as text. */
export interface Replay {
  readonly request: string;
  readonly first: string;
  readonly repeated: string;
}

export interface Effects {
  readonly orders: number;
  /** Total stock on hand of all SKUs. */
  readonly onHand: bigint;
}
