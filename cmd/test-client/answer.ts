import { isAppError, type AppError } from '../../pkg/errors/index.js';
import { traceIdHeader } from '../../pkg/observability/trace-id-server-interceptor.js';
import type { CallOptions } from '../../pkg/rpc/client.js';

/** What is known about any call. */
export interface Measured {
  readonly latencyMs: number;
  /** 32 hexadecimal digits; empty when the server sent none. */
  readonly traceId: string;
}

export interface Answer<T> extends Measured {
  readonly value: T;
  readonly error?: undefined;
}

export interface Refusal extends Measured {
  readonly error: AppError;
  readonly value?: undefined;
}

type Headers = Parameters<NonNullable<CallOptions['onHeaders']>>[0];

/** Makes a call and measures it; a refusal is a result too. */
export async function attempt<T>(call: (options: CallOptions) => Promise<T>): Promise<Answer<T> | Refusal> {
  const started = performance.now();
  let traceId = '';
  const measured = (): Measured => ({ latencyMs: performance.now() - started, traceId });
  try {
    const value = await call({ onHeaders: (headers) => (traceId = traceIdIn(headers)) });
    return { ...measured(), value };
  } catch (error) {
    if (!isAppError(error)) throw error;
    // A refusal without headers carries the trace id in its trailers.
    traceId ||= traceIdIn((error.cause as { metadata?: Headers } | undefined)?.metadata);
    return { ...measured(), error };
  }
}

/**
 * Makes a call and measures it.
 * @throws AppError when it is refused
 */
export async function ask<T>(call: (options: CallOptions) => Promise<T>): Promise<Answer<T>> {
  const answer = await attempt(call);
  if (answer.error) throw answer.error;
  return answer;
}

function traceIdIn(headers: Headers | undefined): string {
  return headers?.get(traceIdHeader).map(String).at(0) ?? '';
}
