import type { CreateOrderRequest, Order, OrderState } from '../../pkg/pb/order/v1/order.js';

/** One state in which the run saw an order. */
export interface Sighting {
  readonly orderId: string;
  readonly revision: number;
  readonly state: OrderState;
}

/** One AdjustStock of the run and its answer. */
export interface Stocking {
  readonly requestId: string;
  readonly sku: string;
  readonly units: bigint;
  readonly onHand: bigint;
}

/** What the run did and was told, to be compared with what the services say in the end. */
export class Book {
  readonly #requests = new Map<string, CreateOrderRequest>();
  readonly #sightings = new Map<string, Sighting>();
  readonly #cancelled = new Set<string>();
  readonly #stockings: Stocking[] = [];

  /** Notes a request before it is sent; of requests with an equal key the first counts. */
  sent(request: CreateOrderRequest): void {
    const key = requestKey(request);
    if (!this.#requests.has(key)) this.#requests.set(key, request);
  }

  saw({ orderId, revision, state }: Order): void {
    this.#sightings.set(`${orderId} ${revision} ${state}`, { orderId, revision, state });
  }

  cancelling(orderId: string): void {
    this.#cancelled.add(orderId);
  }

  stocked(stocking: Stocking): void {
    this.#stockings.push(stocking);
  }

  get requests(): ReadonlyMap<string, CreateOrderRequest> {
    return this.#requests;
  }

  get sightings(): readonly Sighting[] {
    return [...this.#sightings.values()];
  }

  /** Ids of the orders that the run asked to cancel. */
  get cancelled(): ReadonlySet<string> {
    return this.#cancelled;
  }

  get stockings(): readonly Stocking[] {
    return this.#stockings;
  }

  get customers(): readonly string[] {
    return [...new Set([...this.#requests.values()].map(({ customerId }) => customerId))];
  }
}

/** The scope of an idempotency key is its customer. */
export function requestKey(of: { readonly customerId: string; readonly requestId: string }): string {
  return `${of.customerId} ${of.requestId}`;
}
