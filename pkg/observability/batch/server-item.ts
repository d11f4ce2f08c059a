import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { withCallRecord, type CallRecord } from '../call-record.js';
import type { OnEnd } from '../server-call.js';
import { endItemSpan, startItemSpan, type ItemStatus } from './item-span.js';

export interface ServerItemOptions {
  /** Name of the unary method without a leading slash. */
  readonly method: string;
  /** Trace context of the caller. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** Arrival of the batch call, see {@link CallRecord.startedAt}. */
  readonly startedAt: number;
}

/** One request of a batch call on the server, observed like a call of the unary method. */
export class ServerItem {
  readonly #record: CallRecord;
  readonly #context: Context;
  readonly #span: Span;
  readonly #observers: readonly OnEnd[];

  constructor(
    { method, traceparent, tracestate, startedAt }: ServerItemOptions,
    observers: readonly OnEnd[],
  ) {
    const parent = propagation.extract(ROOT_CONTEXT, { traceparent, tracestate });
    this.#record = { fields: {}, startedAt };
    this.#span = withCallRecord(this.#record, () => startItemSpan({ method, kind: SpanKind.SERVER, parent }));
    this.#context = trace.setSpan(parent, this.#span);
    this.#record.context = this.#context;
    if (this.#span.isRecording()) this.#record.span = this.#span;
    this.#observers = observers;
  }

  /** Runs `work` inside the span and the record of the item. */
  run(work: () => void): void {
    context.with(this.#context, () => withCallRecord(this.#record, work));
  }

  /** Must be called once, with the final status. */
  end(final: ItemStatus): void {
    endItemSpan(this.#span, final);
    const { code, details } = final;
    const seconds = (performance.now() - this.#record.startedAt) / 1000;
    const ended = { code, details, seconds, record: this.#record };
    for (const onEnd of this.#observers) onEnd(ended);
  }
}
