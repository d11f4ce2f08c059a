import { once } from 'node:events';
import type {
  handleUnaryCall,
  sendUnaryData,
  ServerDuplexStream,
  ServerErrorResponse,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { isAppError } from '../../errors/index.js';
import type { CallContext, ServerCall } from './call-context.js';
import type { AnyMethod, Handler } from '../definition.js';
import { toServiceError } from '../errors/error-details.js';
import { contextOf, invoke, type Invocation, type PolicyDeps } from './policies.js';
import { guardDecoder, UnreadableMessage } from './message-guard.js';
import { isFault } from '../errors/status.js';

type WritableCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** What grpc-js needs to serve a method. */
export interface MethodAdapter {
  readonly handle: UntypedHandleCall;
  readonly decode: (bytes: Buffer) => unknown;
  readonly encode: (value: never) => Buffer;
}

export interface BoundMethod {
  readonly method: AnyMethod;
  readonly handler: Handler<never, unknown>;
  readonly deps: PolicyDeps;
  /** Largest request message. */
  readonly maxMessageBytes: number;
}

/**
 * Converts a handler that returns a promise or an async iterable to a handler of grpc-js. By itself, grpc-js sends no
 * response when an async handler rejects.
 */
export function adapt(bound: BoundMethod): MethodAdapter {
  const { method, maxMessageBytes } = bound;
  const streaming = (call: WritableCall): void => void respondWithStream(call, bound);
  const unary = (call: ServerCall, callback: sendUnaryData<unknown>): void =>
    void respondOnce(call, callback, bound);
  return {
    handle: method.responseStream
      ? (streaming as UntypedHandleCall)
      : (unary as handleUnaryCall<unknown, unknown> as UntypedHandleCall),
    decode: guardDecoder(method.requestDeserialize, maxMessageBytes),
    encode: method.responseSerialize,
  };
}

async function respondOnce(
  call: ServerCall,
  callback: sendUnaryData<unknown>,
  { method, handler, deps }: BoundMethod,
): Promise<void> {
  const context = contextOf(call, method, deps);
  const invocation = { context, handler, request: requestOf(call, method) };
  await respond(invocation, deps, (error, value) =>
    error === undefined ? callback(null, value) : callback(toErrorResponse(error)),
  );
}

/** Ends a call with its failure, or with its result if `error` is undefined. */
export type Settle = (error: unknown, value?: unknown) => void;

/** Admits the call, runs the policies and the handler, and settles the call once: with the result, or when it is aborted. */
export async function respond(invocation: Invocation, deps: PolicyDeps, onSettled: Settle): Promise<void> {
  const { context } = invocation;
  const settle = settleOnce(context, deps, onSettled);
  const admission = deps.admission.unary;
  context.onAbort(settle);
  context.onWait(() => admission.wait(context));
  try {
    admission.enter(context);
    settle(undefined, await invoke(invocation, deps));
  } catch (error) {
    settle(error);
  } finally {
    admission.leave(context);
  }
}

async function respondWithStream(call: WritableCall, { method, handler, deps }: BoundMethod): Promise<void> {
  const context = contextOf(call, method, deps);
  const settle = settleOnce(context, deps, (error) => {
    if (error === undefined) call.end();
    else call.emit('error', toErrorResponse(error));
  });
  const admission = deps.admission.streams;
  context.onAbort(settle);
  try {
    admission.enter(context);
    const invocation = { context, handler, request: requestOf(call, method) };
    await writeAll(call, invoke(invocation, deps) as AsyncIterable<unknown>, context);
    settle(undefined);
  } catch (error) {
    settle(error);
  } finally {
    admission.leave(context);
  }
}

/**
 * Returns a function that ends the call with the first result, failure or abort reason, and ignores the following
 * results.
 */
function settleOnce(context: CallContext, deps: PolicyDeps, onSettled: Settle): Settle {
  let isSettled = false;
  return (error, value) => {
    if (isSettled) return;
    isSettled = true;
    context.settle();
    if (error !== undefined && isFault(error)) deps.onFault(error, context);
    onSettled(error, value);
  };
}

/** Sets `name` and `message`, which the gRPC instrumentation records in the span. */
export function toErrorResponse(error: unknown): ServerErrorResponse {
  const sent = toServiceError(error);
  return { ...sent, name: isAppError(error) ? error.reason : 'INTERNAL', message: sent.details };
}

function requestOf(call: ServerCall, method: AnyMethod): unknown {
  return method.requestStream
    ? readAll(call as ServerDuplexStream<unknown, unknown>)
    : (call as ServerUnaryCall<unknown, unknown>).request;
}

/** Reads the request messages and keeps the call open for the response. */
async function* readAll(call: ServerDuplexStream<unknown, unknown>): AsyncIterable<unknown> {
  for await (const message of call.iterator({ destroyOnReturn: false })) {
    if (message instanceof UnreadableMessage) throw message.error;
    yield message;
  }
}

/** Writes the messages with back pressure until the call is aborted. */
async function writeAll(
  call: WritableCall,
  messages: AsyncIterable<unknown>,
  context: CallContext,
): Promise<void> {
  for await (const message of messages) {
    if (context.aborted) return;
    if (!call.write(message)) await once(call, 'drain', { signal: context.signal });
  }
}
