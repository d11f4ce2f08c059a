import { AsyncLocalStorage } from 'node:async_hooks';
import { trace, type Attributes } from '@opentelemetry/api';

/** Facts about the call at hand that its log line carries. */
export type CallRecord = Record<string, string | number | bigint>;

const storage = new AsyncLocalStorage<CallRecord>();

/** Runs `work` with a record that {@link annotateCall} fills. */
export function withCallRecord<T>(record: CallRecord, work: () => T): T {
  return storage.run(record, work);
}

/**
 * Puts business identifiers on the log line and the span of the call being served. Log fields are
 * named `order_id`, span attributes `order.id`; pass both where they differ.
 */
export function annotateCall(fields: CallRecord, attributes?: Attributes): void {
  const record = storage.getStore();
  if (record) Object.assign(record, fields);
  if (attributes) trace.getActiveSpan()?.setAttributes(attributes);
}
