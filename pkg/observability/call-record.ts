import { AsyncLocalStorage } from 'node:async_hooks';
import { context, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';
import type { MessageCounts } from './message-counts.js';

/** Business facts that the log line of a call carries. */
export type CallFields = Record<string, string | number | bigint>;

/** What becomes known of the call at hand until its log line is written. */
export interface CallRecord {
  readonly fields: CallFields;
  /** Where its span is active; the end of a call may be heard elsewhere. */
  context?: Context;
  /** Its server span, when that is recorded. */
  span?: Span;
  /** Of a stream. */
  messages?: MessageCounts;
  /** What failed it, when that is ours rather than the caller's. */
  failure?: unknown;
}

const storage = new AsyncLocalStorage<CallRecord>();

/** Runs `work` with a record that {@link annotateCall} fills. */
export function withCallRecord<T>(record: CallRecord, work: () => T): T {
  return storage.run(record, work);
}

/** The record of the call being served. */
export function currentCall(): CallRecord | undefined {
  return storage.getStore();
}

/**
 * Puts business identifiers on the log line and the span of the call being served. Log fields are
 * named `order_id`, span attributes `order.id`; pass both where they differ.
 */
export function annotateCall(fields: CallFields, attributes?: Attributes): void {
  const record = storage.getStore();
  if (record) Object.assign(record.fields, fields);
  if (!attributes) return;
  const span = record?.span ?? trace.getActiveSpan();
  // Work may outlive its call, as sagas do; the SDK makes an error of each late attribute.
  if (span?.isRecording()) span.setAttributes(attributes);
}

/** Ties the call being served to the active span, so that its log line names it however the call ends. */
export function bindCallToSpan(): void {
  const record = storage.getStore();
  if (record) record.context = context.active();
}

/** Ties the call being served to its server span, for attributes that are set outside of it. */
export function bindCallToServerSpan(span: Span): void {
  const record = storage.getStore();
  if (!record || record.span) return;
  record.span = span;
  record.messages?.show(span);
}

/** Where the span of a call is active, for what is heard of the call elsewhere. */
export function callContext({ context: bound, span }: CallRecord): Context {
  return bound ?? (span ? trace.setSpan(context.active(), span) : context.active());
}

/** Puts what failed the call being served on its log line, with stack and causes; the caller never sees it. */
export function failCall(failure: unknown): void {
  const record = storage.getStore();
  if (record) record.failure = failure;
}
