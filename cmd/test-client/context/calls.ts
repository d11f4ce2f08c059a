import { isAppError, type AppError } from '../../../pkg/errors/index.js';
import { traceIdHeader } from '../../../pkg/observability/index.js';
import type { CallOptions } from '../../../pkg/rpc/index.js';

export interface CallMeasurement {
  readonly latencyMs: number;
  /** Trace id of 32 hexadecimal digits; empty when the response has no header `x-trace-id`. */
  readonly traceId: string;
}

export interface CallSuccess<T> extends CallMeasurement {
  readonly value: T;
  readonly error?: undefined;
}

export interface CallFailure extends CallMeasurement {
  readonly error: AppError;
  readonly value?: undefined;
}

export type CallResult<T> = CallSuccess<T> | CallFailure;

type Headers = Parameters<NonNullable<CallOptions['onHeaders']>>[0];

/** Measures a call. An `AppError` is returned as a result, other errors are thrown. */
export async function tryCall<T>(call: (options: CallOptions) => Promise<T>): Promise<CallResult<T>> {
  const started = performance.now();
  let traceId = '';
  const measurement = (): CallMeasurement => ({ latencyMs: performance.now() - started, traceId });
  try {
    const value = await call({ onHeaders: (headers) => (traceId = traceIdIn(headers)) });
    return { ...measurement(), value };
  } catch (error) {
    if (!isAppError(error)) throw error;
    // If a failed call has no response headers, the trailers contain the trace id.
    traceId ||= traceIdIn((error.cause as { metadata?: Headers } | undefined)?.metadata);
    return { ...measurement(), error };
  }
}

/** @throws the error of a failed call */
export function assertSuccess<R extends CallResult<unknown>>(result: R): Exclude<R, CallFailure> {
  if (result.error) throw result.error;
  return result as Exclude<R, CallFailure>;
}

function traceIdIn(headers: Headers | undefined): string {
  return headers?.get(traceIdHeader).map(String).at(0) ?? '';
}
