import { AsyncLocalStorage } from 'node:async_hooks';
import { context, trace, type Attributes, type Context } from '@opentelemetry/api';

/** Business facts that the log line of a call carries. */
export type CallFields = Record<string, string | number | bigint>;

/** What becomes known of the call at hand until its log line is written. */
export interface CallRecord {
  readonly fields: CallFields;
  /** Where its span is active; the end of a call may be heard elsewhere. */
  context?: Context;
}

const storage = new AsyncLocalStorage<CallRecord>();

/** Runs `work` with a record that {@link annotateCall} fills. */
export function withCallRecord<T>(record: CallRecord, work: () => T): T {
  return storage.run(record, work);
}

/**
 * Puts business identifiers on the log line and the span of the call being served. Log fields are
 * named `order_id`, span attributes `order.id`; pass both where they differ.
 */
export function annotateCall(fields: CallFields, attributes?: Attributes): void {
  const record = storage.getStore();
  if (record) Object.assign(record.fields, fields);
  if (attributes) trace.getActiveSpan()?.setAttributes(attributes);
}

/** Ties the call being served to the active span, so that its log line names it however the call ends. */
export function bindCallToSpan(): void {
  const record = storage.getStore();
  if (record) record.context = context.active();
}
