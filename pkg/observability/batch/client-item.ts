import { propagation, SpanKind, trace, type Context, type Span } from '@opentelemetry/api';
import type { OnClientCallEnd } from '../client-call.js';
import { endItemSpan, startItemSpan, type ItemStatus } from './item-span.js';

export interface ClientItemOptions {
  /** Name of the unary method without a leading slash. */
  readonly method: string;
  /** Host and port of the called service. */
  readonly server: { readonly host: string | undefined; readonly port: number | undefined };
  /** Context of the caller, which contains its span. */
  readonly caller: Context;
  /** Start of the call, in the time of `performance.now()`. */
  readonly startedAt: number;
}

/** One request of a batch call on the client, observed like a call of the unary method. */
export class ClientItem {
  readonly #startedAt: number;
  readonly #context: Context;
  readonly #span: Span;
  readonly #observers: readonly OnClientCallEnd[];

  constructor(
    { method, server, caller, startedAt }: ClientItemOptions,
    observers: readonly OnClientCallEnd[],
  ) {
    const startTime = Date.now() - (performance.now() - startedAt);
    this.#span = startItemSpan({ method, kind: SpanKind.CLIENT, parent: caller, startTime });
    if (this.#span.isRecording())
      this.#span.setAttributes({ 'server.address': server.host, 'server.port': server.port });
    this.#context = trace.setSpan(caller, this.#span);
    this.#startedAt = startedAt;
    this.#observers = observers;
  }

  /** Trace context for the server. */
  traceContext(): { readonly traceparent?: string; readonly tracestate?: string } {
    const carrier: { traceparent?: string; tracestate?: string } = {};
    propagation.inject(this.#context, carrier);
    return carrier;
  }

  /** Must be called once with the final status, unless the request is sent by another call instead. */
  end(final: ItemStatus): void {
    endItemSpan(this.#span, final);
    const { code, details } = final;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const ended = { code, details, seconds, span: this.#span };
    for (const onEnd of this.#observers) onEnd(ended);
  }
}
