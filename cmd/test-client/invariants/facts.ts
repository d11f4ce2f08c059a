import type { Reservation, StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';
import type { Order, TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import type { Payment } from '../../../pkg/pb/payment/v1/payment.js';
import type { Sighting } from '../book.js';

/** What the services say about everything that the run did. */
export interface Facts {
  readonly stock: readonly StockFacts[];
  /** Every order of every customer of the run. */
  readonly orders: readonly Order[];
  /** All orders, or a sample of many, looked at in every service. */
  readonly examined: readonly OrderFacts[];
  /** States in which the run saw its orders. */
  readonly sightings: readonly Sighting[];
  /** Orders that the run asked to cancel. */
  readonly cancelled: ReadonlySet<string>;
  /** Keys of all requests that the run sent, as `requestKey` makes them. */
  readonly requests: ReadonlySet<string>;
  /** How long the orders took to rest after the last one was placed, milliseconds. */
  readonly restedAfterMs: number;
  readonly replays: readonly Replay[];
  /** What the replays must not change, before and after them. */
  readonly effects: { readonly before: Effects; readonly after: Effects };
}

export interface StockFacts {
  /** With its audit. */
  readonly level: StockLevel;
  /** Units that the run delivered. */
  readonly delivered: bigint;
}

export interface OrderFacts {
  readonly order: Order;
  /** With their audit. */
  readonly payments: readonly Payment[];
  readonly timeline: readonly TimelineEntry[];
  readonly reservation: Reservation | undefined;
}

/** A request that was sent again, and both answers in a form that can be compared. */
export interface Replay {
  readonly request: string;
  readonly first: string;
  readonly again: string;
}

export interface Effects {
  readonly orders: number;
  /** `on_hand` of all SKUs together. */
  readonly onHand: bigint;
}
