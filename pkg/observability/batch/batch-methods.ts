/**
 * Whether a method is a batch method (`rpc/v1/batch.proto`), by its name: `Batch…` except `BatchGet…`, which is one read
 * of many keys. A batch call has no span and is not counted as a call: each of its items is observed like a call of the
 * unary method.
 * @param method path of a method, with or without the leading slash, or its last segment
 */
export function isBatchMethod(method: string): boolean {
  return /^Batch(?!Get)/.test(method.slice(method.lastIndexOf('/') + 1));
}
