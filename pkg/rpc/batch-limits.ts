/** Limits of a batch; see `rpc/v1/batch.proto`. */
export const maxBatchItems = 64;
export const maxBatchBytes = 256 * 1024;
