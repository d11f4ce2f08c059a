import type { CreateOrderRequest, Order, OrderState } from '../../../pkg/pb/order/v1/order.js';

/** State of an order in a response. */
export interface ObservedState {
  readonly orderId: string;
  readonly revision: number;
  readonly state: OrderState;
}

/** An AdjustStock request and the stock on hand in its response. */
export interface Delivery {
  readonly requestId: string;
  readonly sku: string;
  readonly units: bigint;
  readonly onHand: bigint;
}

/**
 * Records the requests of a run and the observed states. The invariants compare these records with the
 * final state of the services.
 */
export class RunLog {
  readonly #requests = new Map<string, CreateOrderRequest>();
  readonly #observedStates = new Map<string, ObservedState>();
  readonly #cancelled = new Set<string>();
  readonly #deliveries: Delivery[] = [];

  /** Records a request before it is sent. Later requests with the same key are ignored. */
  recordRequest(request: CreateOrderRequest): void {
    const key = requestKey(request);
    if (!this.#requests.has(key)) this.#requests.set(key, request);
  }

  recordState({ orderId, revision, state }: Order): void {
    this.#observedStates.set(`${orderId} ${revision} ${state}`, { orderId, revision, state });
  }

  recordCancellation(orderId: string): void {
    this.#cancelled.add(orderId);
  }

  recordDelivery(delivery: Delivery): void {
    this.#deliveries.push(delivery);
  }

  get requests(): ReadonlyMap<string, CreateOrderRequest> {
    return this.#requests;
  }

  get observedStates(): readonly ObservedState[] {
    return [...this.#observedStates.values()];
  }

  /** Ids of the orders with a CancelOrder request. */
  get cancelled(): ReadonlySet<string> {
    return this.#cancelled;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  get customers(): readonly string[] {
    return [...new Set([...this.#requests.values()].map(({ customerId }) => customerId))];
  }
}

/** Returns a key that identifies a request. Two customers may use the same request id. */
export function requestKey({
  customerId,
  requestId,
}: Pick<CreateOrderRequest, 'customerId' | 'requestId'>): string {
  return `${customerId} ${requestId}`;
}
