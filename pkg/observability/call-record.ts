import { AsyncLocalStorage } from 'node:async_hooks';
import { context, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';

/** Business fields on the log line of a call. */
export type CallFields = Record<string, string | number | bigint>;

/** State of one server call, collected until its log line is written. */
export interface CallRecord {
  readonly fields: CallFields;
  /** Arrival of the headers, in the time of `performance.now()`. */
  readonly startedAt: number;
  /** Context in which the server span is active; the end of a call may run in another context. */
  context?: Context;
  /** Server span; undefined when the span is not recorded. */
  span?: Span;
  /** Message counts of a stream; undefined for unary calls. */
  messageCounts?: { setAttributes(span: Span | undefined): void };
  /** Error that was passed to {@link recordFailure}. */
  failure?: unknown;
}

const storage = new AsyncLocalStorage<CallRecord>();

/** Runs `work`; {@link currentCall} returns `record` while `work` runs. */
export function withCallRecord<T>(record: CallRecord, work: () => T): T {
  return storage.run(record, work);
}

/** Returns the record of the current server call, or undefined outside of a call. */
export function currentCall(): CallRecord | undefined {
  return storage.getStore();
}

/**
 * Adds business identifiers to the log line and to the span of the current call. Log fields have names such as
 * `order_id`, span attributes have names such as `order.id`.
 */
export function annotateCall(fields: CallFields, attributes?: Attributes): void {
  const record = storage.getStore();
  if (record) Object.assign(record.fields, fields);
  if (!attributes) return;
  const span = record?.span ?? trace.getActiveSpan();
  // A saga can continue after its call has ended. The SDK logs an error for an attribute that is set on an ended span.
  if (span?.isRecording()) span.setAttributes(attributes);
}

/** Stores the active context in the current record, so that the log line of the call has the ids of the active span. */
export function recordCallContext(): void {
  const record = storage.getStore();
  if (record) record.context = context.active();
}

/** Stores the server span in the current record, so that attributes can be set where the span is not active. */
export function recordServerSpan(span: Span): void {
  const record = storage.getStore();
  if (!record || record.span) return;
  record.span = span;
  record.messageCounts?.setAttributes(span);
}

/** Returns the span in the stored context, else the server span, else the active span. */
export function callSpan({ context: recorded, span }: CallRecord): Span | undefined {
  if (recorded) return trace.getSpan(recorded);
  return span ?? trace.getActiveSpan();
}

/** Adds `failure` with stack and causes to the log line of the current call. The response omits `failure`. */
export function recordFailure(failure: unknown): void {
  const record = storage.getStore();
  if (record) record.failure = failure;
}
