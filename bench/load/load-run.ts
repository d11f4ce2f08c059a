import type { OrderState } from '../../pkg/pb/order/v1/order.js';

/** Closed loop: each of `inFlight` callers waits for its answer. Open loop: calls start at a fixed rate. */
export type Arrival = { readonly inFlight: number } | { readonly perSecond: number };

/** The method and the messages of calls. */
export interface Requests {
  /** Such as `/order.v1.OrderService/CreateOrder`. */
  readonly path: string;
  /** gRPC frames, sent in turn. {@link requestIdPlaceholder} in a frame is replaced with a new id for each call. */
  readonly frames: readonly Uint8Array[];
  /** Sends each frame once; the measurement ends after the last frame. */
  readonly once?: boolean;
  /** State of the order in the answer; another state is an error. */
  readonly expects?: OrderState;
}

/** Callers of one method. */
export interface LoadGroup extends Requests {
  readonly name: string;
  /** `host:port` of each replica; the connections are spread over them. */
  readonly targets: readonly string[];
  readonly arrival: Arrival;
}

export interface LoadRun {
  readonly groups: readonly LoadGroup[];
  /** Time before the measured window. */
  readonly warmUpMs: number;
  /** Length of the measured window. */
  readonly measuredMs: number;
}

export interface PlacedOrder {
  readonly orderId: string;
  readonly customerId: string;
}

/** Calls of a group that ended in the measured window (open loop: that were due in the window). */
export interface GroupResult {
  readonly perSecond: number;
  /** Latency in ms; of an open loop from the time at which the call was due. */
  readonly p50: number;
  readonly p99: number;
  /** Number of errors by description, also outside of the measured window. */
  readonly errors: Readonly<Record<string, number>>;
  /** Orders in the answers, if the group expects a state. */
  readonly orders: readonly PlacedOrder[];
}

export interface LoadResult {
  readonly groups: Readonly<Record<string, GroupResult>>;
  /** CPU time of the load process, in cores. */
  readonly cores: number;
}

/** Messages of the load process. */
export type LoadEvent =
  | { readonly kind: 'measuring' }
  | { readonly kind: 'measured' }
  | { readonly kind: 'done'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly message: string };

export const requestIdPlaceholder = '00000000-0000-7000-8000-000000000000';
