import { context } from '@opentelemetry/api';
import { status as Status, type Client } from '@grpc/grpc-js';
import { isAppError, type AppError } from '../../errors/index.js';
import { methodName, type Telemetry } from '../../observability/index.js';
import { BatchQueue, type Batch, type Batching } from '../../runtime/index.js';
import { maxBatchItems } from '../batch-limits.js';
import type { AnyMethod } from '../definition.js';
import { statusOf } from '../errors/status.js';
import { BatchCall, type BatchItem, type ObserveItem } from './batch-call.js';
import type { CallOptions } from './client.js';

/** Batches that the server has not started. More items wait for the next batch, so that batches grow under load. */
const concurrency = 4;

/** Time after a rejected batch for which all calls use the unary method. */
const unaryMs = 30_000;

/** Upper limit of the context of an item: a `tracestate` has at most 512 characters. */
const contextBytes = 768;

export interface BatchedMethodOptions {
  readonly client: Client;
  /** Name of the called service. */
  readonly name: string;
  readonly unary: AnyMethod;
  readonly batch: AnyMethod;
  readonly batching: Batching;
  readonly telemetry: Pick<Telemetry, 'clientItems' | 'logger'> | undefined;
  /** True repeats an item that ends with UNAVAILABLE, by a call of the unary method. */
  readonly retry: boolean;
  /** Calls the unary method with a serialized request. */
  readonly callUnary: (request: Buffer, options: CallOptions) => Promise<unknown>;
}

interface QueuedItem extends BatchItem {
  isSent: boolean;
}

/**
 * Sends concurrent calls of a unary method as batches (`rpc/v1/batch.proto`). A call that is alone, calls after a
 * rejected batch, and calls with `onHeaders` use the unary method.
 */
export class BatchedMethod {
  readonly #options: BatchedMethodOptions;
  readonly #queue: BatchQueue<QueuedItem, unknown>;
  readonly #observe: ObserveItem;
  #unaryUntil = 0;

  constructor(options: BatchedMethodOptions) {
    const { batching, batch, client, name, unary, telemetry } = options;
    this.#options = options;
    this.#queue = new BatchQueue({
      operation: methodName(batch.path),
      process: (items) => this.#process(items),
      batching: { ...batching, maxItems: Math.min(batching.maxItems, maxBatchItems) },
      sizeOf: ({ request }) => request.length + contextBytes,
      concurrency,
      // The callers limit the number of their calls, as they do for unary calls.
      maxQueued: Infinity,
    });
    const startItem = telemetry?.clientItems(name, methodName(unary.path));
    const server = serverOf(client);
    this.#observe = ({ caller, startedAt }) => startItem?.({ caller, startedAt, server });
  }

  async call(request: unknown, options: CallOptions & { readonly deadline: number }): Promise<unknown> {
    const { unary, callUnary } = this.#options;
    const serialize = unary.requestSerialize as (value: unknown) => Buffer;
    const item = {
      request: serialize(request),
      limits: options,
      caller: context.active(),
      startedAt: performance.now(),
      isSent: false,
    };
    if (options.onHeaders || Date.now() < this.#unaryUntil) return callUnary(item.request, options);
    try {
      return await this.#queue.run(item, options);
    } catch (error) {
      if (isAppError(error) && !item.isSent)
        this.#observe(item)?.end({ code: statusOf[error.reason], details: error.message });
      throw error;
    }
  }

  async #process(batch: Batch<QueuedItem, unknown>): Promise<void> {
    const { items, deadline } = batch;
    for (const item of items) item.isSent = true;
    if (items.length === 1 || Date.now() < this.#unaryUntil) {
      for (const [index, item] of items.entries()) batch.resolve(index, this.#callUnary(item));
      return;
    }
    const { client, batch: method, unary, retry } = this.#options;
    const call = new BatchCall(items, {
      client,
      path: method.path,
      deadline,
      responseDeserialize: unary.responseDeserialize,
      observe: this.#observe,
      fallBack: (item) => this.#callUnary(item),
      onRejected: (error) => this.#useUnary(error),
    });
    for (const [index, { item, result }] of call.results.entries())
      batch.resolve(index, retry ? this.#repeatUnavailable(item, result) : result);
    await call.accepted;
  }

  async #repeatUnavailable(item: BatchItem, result: Promise<unknown>): Promise<unknown> {
    try {
      return await result;
    } catch (error) {
      if (!isAppError(error) || statusOf[error.reason] !== Status.UNAVAILABLE) throw error;
      return this.#callUnary(item);
    }
  }

  #callUnary({ request, limits, caller }: BatchItem): Promise<unknown> {
    return context.with(caller, () => this.#options.callUnary(request, limits));
  }

  #useUnary({ reason, message }: AppError): void {
    this.#unaryUntil = Date.now() + unaryMs;
    const { telemetry, name: target, batch } = this.#options;
    telemetry?.logger.info(
      { target, method: methodName(batch.path), reason, details: message },
      'batch rejected, using the unary method',
    );
  }
}

/** Host and port of a target, as in the spans of unary calls. */
function serverOf(client: Client): { host: string | undefined; port: number | undefined } {
  const [, host, port] = /([A-Za-z0-9+.-]+):(\d+)$/.exec(client.getChannel().getTarget()) ?? [];
  return { host, port: port === undefined ? undefined : Number(port) };
}
