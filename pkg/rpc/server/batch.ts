import { Metadata, status as Status, type ServerWritableStream, type UntypedHandleCall } from '@grpc/grpc-js';
import { AppError, isAppError } from '../../errors/index.js';
import {
  currentCall,
  methodName,
  recordFailure,
  type ServerItem,
  type Telemetry,
} from '../../observability/index.js';
import { BatchRequest, BatchResponse, type BatchResult, type ItemContext } from '../../pb/rpc/v1/batch.js';
import { maxBatchBytes, maxBatchItems } from '../batch-limits.js';
import { toStatus } from '../errors/error-details.js';
import { respond, toErrorResponse, type BoundMethod, type MethodAdapter } from './adapter.js';
import { CallContext } from './call-context.js';
import { effectiveDeadline } from './deadline.js';
import { guardDecoder, UnreadableMessage } from './message-guard.js';
import { onCancelled, originOf, requestedDeadline, type PolicyDeps } from './policies.js';

type BatchCall = ServerWritableStream<BatchRequest | UnreadableMessage, BatchResponse>;
type Serialize = (value: unknown) => Buffer;

/** The unary method from which a batch method is derived. */
export interface ItemMethod extends BoundMethod {
  readonly telemetry: Pick<Telemetry, 'serverItems'>;
}

/**
 * Derives a batch method from a unary method. Each item has the same admission, policies, handler and telemetry as a
 * call of the unary method.
 */
export function adaptBatch(unary: ItemMethod): MethodAdapter {
  const handleItems = itemHandler(unary);
  const handle = (call: BatchCall): void => {
    const { request } = call;
    const error = request instanceof UnreadableMessage ? request.error : invalidBatch(request);
    if (request instanceof UnreadableMessage || error) reject(call, error, unary);
    else handleItems(call, request);
  };
  return {
    handle: handle as UntypedHandleCall,
    decode: guardDecoder((bytes) => BatchRequest.decode(bytes), maxBatchBytes),
    encode: (response: BatchResponse) => Buffer.from(BatchResponse.encode(response).finish()),
  };
}

function itemHandler({ method, handler, deps, maxMessageBytes, telemetry }: ItemMethod) {
  const name = methodName(method.path);
  const decode = guardDecoder(method.requestDeserialize, maxMessageBytes);
  const startItem = telemetry.serverItems(name);
  return (call: BatchCall, { requests, contexts }: BatchRequest): void => {
    // The headers tell the client that the items have started, so that it sends its next batch.
    call.sendMetadata(new Metadata());
    const response = new BatchResponder(call, requests.length, method.responseSerialize as Serialize);
    const origin = { ...originOf(call), method: name };
    const arrival = arrivalOf(call);
    for (const [index, bytes] of requests.entries()) {
      const { timeout, ...caller } = contexts[index] ?? {};
      const item = startItem({ ...caller, startedAt: arrival.startedAt });
      item.run(() => {
        const context = new CallContext({ ...origin, deadline: itemDeadline(timeout, arrival, deps) });
        response.add(context);
        const invocation = { context, handler, request: decode(bytes) };
        void respond(invocation, deps, (error, value) => response.settle({ index, item }, error, value));
      });
    }
  };
}

/** Ends a call without items. Callers that may not call the unary method do not learn what is wrong with the batch. */
function reject(call: BatchCall, error: AppError | undefined, { method, deps }: ItemMethod): void {
  const context = new CallContext({ ...originOf(call), method: methodName(method.path), deadline: Infinity });
  try {
    deps.authorize(context);
    throw error;
  } catch (failure) {
    call.emit('error', toErrorResponse(failure));
  }
}

function invalidBatch({ requests, contexts }: BatchRequest): AppError | undefined {
  const fields = [];
  if (requests.length === 0 || requests.length > maxBatchItems)
    fields.push({ field: 'requests', description: `must have 1 to ${maxBatchItems} items` });
  if (contexts.length !== requests.length)
    fields.push({ field: 'contexts', description: 'must have as many items as requests' });
  if (fields.length === 0) return undefined;
  const problems = fields.map(({ field, description }) => `${field} ${description}`).join('; ');
  return new AppError({ reason: 'VALIDATION_FAILED', message: `invalid batch: ${problems}`, fields });
}

interface Arrival {
  /** In the time of `performance.now()`. */
  readonly startedAt: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Deadline of the batch call in milliseconds since the epoch; Infinity without a deadline. */
  readonly deadline: number;
}

function arrivalOf(call: BatchCall): Arrival {
  const now = performance.now();
  const startedAt = currentCall()?.startedAt ?? now;
  return { startedAt, time: Date.now() - (now - startedAt), deadline: requestedDeadline(call) };
}

function itemDeadline(timeout: ItemContext['timeout'], arrival: Arrival, deps: PolicyDeps): number {
  const timeoutMs = timeout ? Number(timeout.seconds) * 1000 + timeout.nanos / 1_000_000 : Infinity;
  const requested = Math.min(arrival.time + timeoutMs, arrival.deadline);
  return effectiveDeadline({ requested, isStream: false, now: Date.now() }, deps);
}

/** Sends the results of the items of one call. Results that become ready in the same turn are one message. */
class BatchResponder {
  readonly #call: BatchCall;
  readonly #serialize: Serialize;
  readonly #contexts: CallContext[] = [];
  #ready: BatchResult[] = [];
  #openItems: number;
  #isScheduled = false;
  #isBlocked = false;
  #isCancelled = false;

  constructor(call: BatchCall, items: number, serialize: Serialize) {
    this.#call = call;
    this.#openItems = items;
    this.#serialize = serialize;
    onCancelled(call, () => {
      this.#isCancelled = true;
      for (const context of this.#contexts) context.cancel();
    });
  }

  /** Adds an item, which is cancelled when the caller cancels the call. */
  add(context: CallContext): void {
    this.#contexts.push(context);
  }

  settle(
    { index, item }: { readonly index: number; readonly item: ServerItem },
    error: unknown,
    value?: unknown,
  ): void {
    const outcome = this.#outcomeOf(error, value);
    if (outcome.$case === 'response') item.end({ code: Status.OK, details: '' });
    else {
      const { code, message: details } = outcome.value;
      item.end({ code, details, errorName: isAppError(error) ? error.reason : 'INTERNAL' });
    }
    this.#ready.push({ index, outcome });
    this.#openItems -= 1;
    if (this.#openItems === 0) this.#flush();
    else this.#schedule();
  }

  #outcomeOf(error: unknown, value: unknown): NonNullable<BatchResult['outcome']> {
    if (error !== undefined) return { $case: 'status', value: toStatus(error) };
    try {
      return { $case: 'response', value: this.#serialize(value) };
    } catch (failure) {
      recordFailure(failure);
      return { $case: 'status', value: toStatus(failure) };
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isCancelled || this.#isBlocked) return;
    if (this.#ready.length > 0) {
      this.#isBlocked = !this.#call.write({ results: this.#ready });
      this.#ready = [];
    }
    if (this.#openItems === 0) this.#call.end();
    else if (this.#isBlocked) this.#call.once('drain', () => this.#resume());
  }

  #resume(): void {
    this.#isBlocked = false;
    this.#flush();
  }
}
