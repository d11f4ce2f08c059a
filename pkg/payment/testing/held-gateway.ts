import { GatewayInDoubt, type PaymentGateway } from '../gateway.js';

type Call = keyof PaymentGateway;

/** One answer that is held back. */
export interface HeldAnswer {
  /** Resolves when the gateway has acted and its answer waits. */
  readonly reached: Promise<void>;
  release(): void;
}

/** A real gateway of which a test drops the next call, or holds back or loses its answer. */
export class HeldGateway implements PaymentGateway {
  readonly #gateway: PaymentGateway;
  readonly #next = new Map<Call, () => Promise<void>>();
  readonly #dropped = new Set<Call>();

  constructor(gateway: PaymentGateway) {
    this.#gateway = gateway;
  }

  hold(call: Call): HeldAnswer {
    let release: HeldAnswer['release'] = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      this.#next.set(call, () => {
        resolve();
        return released;
      });
    });
    return { reached, release };
  }

  /** The call does not arrive. */
  drop(call: Call): void {
    this.#dropped.add(call);
  }

  /** The call takes effect, its answer does not arrive. */
  lose(call: Call): void {
    this.#next.set(call, async () => {
      throw new GatewayInDoubt('TIMEOUT');
    });
  }

  readonly authorize: PaymentGateway['authorize'] = (request) =>
    this.#pass('authorize', () => this.#gateway.authorize(request));
  readonly capture: PaymentGateway['capture'] = (request) =>
    this.#pass('capture', () => this.#gateway.capture(request));
  readonly void: PaymentGateway['void'] = (request) => this.#pass('void', () => this.#gateway.void(request));
  readonly refund: PaymentGateway['refund'] = (request) =>
    this.#pass('refund', () => this.#gateway.refund(request));
  readonly lookup: PaymentGateway['lookup'] = (request) =>
    this.#pass('lookup', () => this.#gateway.lookup(request));

  async #pass<T>(call: Call, act: () => Promise<T>): Promise<T> {
    if (this.#dropped.delete(call)) throw new GatewayInDoubt('UNAVAILABLE');
    const result = await act();
    const trouble = this.#next.get(call);
    this.#next.delete(call);
    await trouble?.();
    return result;
  }
}
