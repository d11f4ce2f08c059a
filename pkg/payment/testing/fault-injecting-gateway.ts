import { GatewayInDoubt, type CaptureAnswer, type PaymentGateway } from '../gateway/gateway.js';

type GatewayMethod = keyof PaymentGateway;

export interface HeldResponse {
  /** Resolves when the gateway call has taken effect; its response is still held back. */
  readonly effectApplied: Promise<void>;
  release(): void;
  /** Loses the response instead: the call fails with an unknown outcome. */
  drop(): void;
}

/** Forwards calls to a gateway. Tests can drop the request, drop the response or hold the response of the next call. */
export class FaultInjectingGateway implements PaymentGateway {
  readonly #gateway: PaymentGateway;
  readonly #afterCall = new Map<GatewayMethod, () => Promise<void>>();
  readonly #droppedRequests = new Set<GatewayMethod>();
  readonly #calls = new Map<string, number>();
  #captureAnswer: CaptureAnswer | undefined;
  /** While true, no call reaches the gateway. */
  isDown = false;

  constructor(gateway: PaymentGateway) {
    this.#gateway = gateway;
  }

  holdResponse(method: GatewayMethod): HeldResponse {
    let release: HeldResponse['release'] = () => undefined;
    let drop: HeldResponse['drop'] = () => undefined;
    const released = new Promise<void>((resolve, reject) => {
      release = resolve;
      drop = () => reject(new GatewayInDoubt('TIMEOUT'));
    });
    const effectApplied = new Promise<void>((resolve) => {
      this.#afterCall.set(method, () => {
        resolve();
        return released;
      });
    });
    return { effectApplied, release, drop };
  }

  dropRequest(method: GatewayMethod): void {
    this.#droppedRequests.add(method);
  }

  dropResponse(method: GatewayMethod): void {
    this.#afterCall.set(method, async () => {
      throw new GatewayInDoubt('TIMEOUT');
    });
  }

  /** Answers each capture with `answer`; no capture reaches the gateway. */
  answerCaptures(answer: CaptureAnswer): void {
    this.#captureAnswer = answer;
  }

  /** Returns how often a method was called for one payment, including calls that did not reach the gateway. */
  callsOf(method: GatewayMethod, key: string): number {
    return this.#calls.get(`${method} ${key}`) ?? 0;
  }

  readonly authorize: PaymentGateway['authorize'] = (request) =>
    this.#pass('authorize', request.key, () => this.#gateway.authorize(request));
  readonly capture: PaymentGateway['capture'] = (request) =>
    this.#pass('capture', request.key, async () => this.#captureAnswer ?? this.#gateway.capture(request));
  readonly void: PaymentGateway['void'] = (request) =>
    this.#pass('void', request.key, () => this.#gateway.void(request));
  readonly refund: PaymentGateway['refund'] = (request) =>
    this.#pass('refund', request.key, () => this.#gateway.refund(request));
  readonly lookup: PaymentGateway['lookup'] = (request) =>
    this.#pass('lookup', request.key, () => this.#gateway.lookup(request));
  readonly lookupRefund: PaymentGateway['lookupRefund'] = (request) =>
    this.#pass('lookupRefund', request.key, () => this.#gateway.lookupRefund(request));
  readonly cancelRefund: PaymentGateway['cancelRefund'] = (request) =>
    this.#pass('cancelRefund', request.key, () => this.#gateway.cancelRefund(request));
  readonly listTransactions: PaymentGateway['listTransactions'] = (request) =>
    this.#pass('listTransactions', request.key ?? '', () => this.#gateway.listTransactions(request));

  async #pass<T>(method: GatewayMethod, key: string, forward: () => Promise<T>): Promise<T> {
    this.#calls.set(`${method} ${key}`, this.callsOf(method, key) + 1);
    if (this.isDown) throw new GatewayInDoubt('UNAVAILABLE');
    if (this.#droppedRequests.delete(method)) throw new GatewayInDoubt('UNAVAILABLE');
    const answer = await forward();
    const fault = this.#afterCall.get(method);
    this.#afterCall.delete(method);
    await fault?.();
    return answer;
  }
}
