import { context, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import {
  Metadata,
  status as Status,
  type Client,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import type { AppError } from '../../errors/index.js';
import type { ClientItem, ClientItemOptions } from '../../observability/index.js';
import { BatchRequest, BatchResponse, type BatchResult } from '../../pb/rpc/v1/batch.js';
import { onWaitEnd, waitEnded, type WaitLimits } from '../../runtime/index.js';
import { fromServiceError, fromStatus, serviceError } from '../errors/error-details.js';

/** One call of the unary method. */
export interface BatchItem {
  /** The serialized request. */
  readonly request: Buffer;
  readonly limits: WaitLimits & { readonly deadline: number };
  /** Context of the caller, which contains its span. */
  readonly caller: Context;
  /** In the time of `performance.now()`. */
  readonly startedAt: number;
}

export interface BatchCallOptions {
  readonly client: Client;
  /** Path of the batch method. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
  readonly observe: ObserveItem;
  /** Executes an item alone when the server has rejected the batch as a whole. */
  readonly fallBack: (item: BatchItem) => Promise<unknown>;
  /** Called when the server has rejected the batch as a whole, before the fallback. */
  readonly onRejected: (error: AppError) => void;
}

export type ObserveItem = (
  options: Pick<ClientItemOptions, 'caller' | 'startedAt'>,
) => ClientItem | undefined;

/**
 * The server has executed no item after a status with one of these reasons: it does not know the batch method, or
 * rejects the batch. Such a status describes the batch, so it must not become the result of an item.
 */
const rejections = new Set([
  'METHOD_NOT_FOUND',
  'VALIDATION_FAILED',
  'MALFORMED_MESSAGE',
  'MESSAGE_TOO_LARGE',
]);

/**
 * Longest time for which a batch delays the next batch. Without this limit, batches to a server that does not answer
 * would stop the batches to the other servers.
 */
const maxAcceptanceMs = 50;

/** An item whose caller waits for its result. */
interface WaitingItem {
  readonly item: BatchItem;
  readonly observed: ClientItem | undefined;
  readonly resolve: (result: Promise<unknown>) => void;
  readonly reject: (error: AppError) => void;
  readonly stopWaiting: () => void;
}

type Outcome = NonNullable<BatchResult['outcome']>;

/**
 * Sends one batch and gives each item its result. A caller that stops waiting does not affect the other items. When no
 * caller waits any more, the call is cancelled.
 */
export class BatchCall {
  /** The items with their results, in the sequence of the items. */
  readonly results: readonly { readonly item: BatchItem; readonly result: Promise<unknown> }[];
  /** Resolves when the server has started the batch or has ended the call, at the latest after {@link maxAcceptanceMs}. */
  readonly accepted: Promise<void>;
  readonly #options: BatchCallOptions;
  readonly #waiting = new Map<number, WaitingItem>();
  readonly #call: ClientReadableStream<BatchResponse>;
  #missingResults: number;

  constructor(items: readonly BatchItem[], options: BatchCallOptions) {
    this.#options = options;
    this.#missingResults = items.length;
    const observed = items.map((item) => options.observe(item));
    this.#call = startCall(requestOf(items, observed), options);
    this.results = items.map((item, index) => ({ item, result: this.#wait(index, item, observed[index]) }));
    this.#call.on('data', ({ results }: BatchResponse) => this.#receive(results));
    this.#call.on('error', (error: ServiceError) => this.#end(error));
    this.#call.on('end', () => {
      if (this.#waiting.size > 0) this.#end(incomplete());
    });
    this.accepted = new Promise((resolve) => {
      const timer = setTimeout(resolve, maxAcceptanceMs);
      const accept = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#call.once('metadata', accept).once('error', accept).once('end', accept);
    });
  }

  #wait(index: number, item: BatchItem, observed: ClientItem | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const stopWaiting = onWaitEnd(item.limits, () => this.#leave(index));
      this.#waiting.set(index, { item, observed, resolve, reject, stopWaiting });
    });
  }

  #receive(results: BatchResponse['results']): void {
    for (const { index, outcome } of results) {
      if (!outcome) continue;
      this.#missingResults -= 1;
      this.#settle(index, outcome);
    }
    this.#cancelWithoutCallers();
  }

  #settle(index: number, outcome: Outcome): void {
    const waiting = this.#take(index);
    if (!waiting) return;
    const { code, message: details } = outcome.$case === 'status' ? outcome.value : ok;
    waiting.observed?.end({ code, details });
    waiting.resolve(this.#resultOf(outcome));
  }

  async #resultOf(outcome: Outcome): Promise<unknown> {
    if (outcome.$case === 'status') throw fromStatus(outcome.value);
    return this.#options.responseDeserialize(outcome.value);
  }

  #leave(index: number): void {
    const waiting = this.#take(index);
    if (!waiting) return;
    const { item, observed, reject } = waiting;
    observed?.end(endOfWait(item.limits));
    reject(waitEnded(item.limits, 'the deadline expired before the response'));
    this.#cancelWithoutCallers();
  }

  /** Gives the status of the call to the items that have no result. */
  #end(error: ServiceError): void {
    this.#missingResults = 0;
    const failure = fromServiceError(error);
    const isRejected = rejections.has(failure.reason);
    if (isRejected) this.#options.onRejected(failure);
    for (const index of this.#waiting.keys()) {
      const waiting = this.#take(index);
      if (isRejected) waiting?.resolve(this.#options.fallBack(waiting.item));
      else {
        waiting?.observed?.end(error);
        waiting?.reject(failure);
      }
    }
  }

  #take(index: number): WaitingItem | undefined {
    const waiting = this.#waiting.get(index);
    this.#waiting.delete(index);
    waiting?.stopWaiting();
    return waiting;
  }

  #cancelWithoutCallers(): void {
    if (this.#waiting.size === 0 && this.#missingResults > 0) this.#call.cancel();
  }
}

/** Starts the call outside of the span of its first item. */
function startCall(
  request: BatchRequest,
  { client, path, deadline }: BatchCallOptions,
): ClientReadableStream<BatchResponse> {
  return context.with(ROOT_CONTEXT, () =>
    client.makeServerStreamRequest(
      path,
      (value: BatchRequest) => Buffer.from(BatchRequest.encode(value).finish()),
      (bytes) => BatchResponse.decode(bytes),
      request,
      new Metadata(),
      { deadline },
    ),
  );
}

function requestOf(items: readonly BatchItem[], observed: readonly (ClientItem | undefined)[]): BatchRequest {
  const now = Date.now();
  return {
    requests: items.map(({ request }) => request),
    contexts: items.map(({ limits: { deadline } }, index) => ({
      timeout: durationOf(Math.max(0, deadline - now)),
      ...observed[index]?.traceContext(),
    })),
  };
}

function durationOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.trunc(ms / 1000)), nanos: Math.trunc((ms % 1000) * 1_000_000) };
}

const ok = { code: Status.OK, message: '' };

/** The status that grpc-js creates for a call that is cancelled or whose deadline expires. */
function endOfWait({ signal }: WaitLimits): { code: Status; details: string } {
  return signal?.aborted === true
    ? { code: Status.CANCELLED, details: 'Cancelled on client' }
    : { code: Status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' };
}

/** The error of an item without a result in a stream that ended OK: it is unknown whether the item has taken effect. */
function incomplete(): ServiceError {
  const details = 'the batch call ended without a result for this request';
  return serviceError({ code: Status.UNAVAILABLE, details, metadata: new Metadata() });
}
