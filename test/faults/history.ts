import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { isAppError, type Reason } from '../../pkg/errors/index.js';

/** Reasons of failures whose outcome is in doubt (docs/errors.md). All other failures are definite. */
const doubtful: ReadonlySet<Reason> = new Set<Reason>([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'DEPENDENCY_UNAVAILABLE',
  'INTERNAL',
  'PAYMENT_IN_DOUBT',
  'SHUTTING_DOWN',
]);

export type Result<T> =
  | { readonly outcome: 'ok'; readonly value: T }
  /** A definite failure, or an outcome that the client cannot know. */
  | { readonly outcome: 'failed' | 'unknown'; readonly reason: Reason };

export interface Purpose {
  readonly kind: string;
  readonly action: string;
}

/** One call of a client. Calls with equal keys are attempts of one request. */
export interface Call<Q = unknown, T = unknown> {
  readonly method: string;
  /** Idempotency key, unique among all methods and customers. */
  readonly key: string;
  readonly request: Q;
  /** The kind of the order, and the action that the request belongs to. */
  readonly purpose?: Purpose;
  /** `unknown` until the result is recorded. */
  result: Result<T>;
}

/**
 * The calls of all clients. The file has one JSON line for each request, written before the request is sent, and one for its
 * result. Lines are only appended, so that a file of a crashed run is usable.
 */
export class History {
  readonly calls: Call[] = [];
  readonly #file: number;
  readonly #started = performance.now();

  constructor(file: string) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#file = openSync(file, 'w');
  }

  /** Records a request, sends it and records its result. */
  async record<Q, T>(call: Omit<Call<Q, T>, 'result'>, send: () => Promise<T>): Promise<Result<T>> {
    const recorded: Call<Q, T> = { ...call, result: { outcome: 'unknown', reason: 'CANCELLED' } };
    const id = this.calls.push(recorded as Call);
    this.#append({ id, ...call });
    try {
      recorded.result = { outcome: 'ok', value: await send() };
    } catch (error) {
      if (!isAppError(error)) throw error;
      recorded.result = { outcome: doubtful.has(error.reason) ? 'unknown' : 'failed', reason: error.reason };
    }
    this.#append({ id, result: recorded.result });
    return recorded.result;
  }

  /** Records an event that is not a call, such as a fault. */
  note(event: object): void {
    this.#append(event);
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(entry: object): void {
    const ms = Math.round(performance.now() - this.#started);
    const line = JSON.stringify({ ms, ...entry }, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    writeSync(this.#file, `${line}\n`);
  }
}

export function callsOf<Q, T>(calls: readonly Call[], method: string): Call<Q, T>[] {
  return calls.filter((call) => call.method === method) as Call<Q, T>[];
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
