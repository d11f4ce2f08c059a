import { once } from 'node:events';
import type {
  handleUnaryCall,
  sendUnaryData,
  ServerDuplexStream,
  ServerErrorResponse,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { isAppError } from '../errors/index.js';
import type { CallContext } from './call-context.js';
import type { AnyMethod, Handler } from './definition.js';
import { toServiceError } from './error-details.js';
import { contextOf, invoke, type PolicyDeps } from './handler.js';
import { UnreadableMessage } from './message-guard.js';
import { isFault } from './status.js';

type WritableCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type AnyCall = ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown> | WritableCall;

/**
 * Turns a promise or async-iterable handler into the callback that grpc-js wants. Mandatory: in bare
 * grpc-js an async handler that rejects never answers its caller.
 */
export function adapt(
  method: AnyMethod,
  handler: Handler<never, unknown>,
  deps: PolicyDeps,
): UntypedHandleCall {
  const bound = { method, handler, deps };
  const streaming = (call: WritableCall): void => void answerStream(call, bound);
  const unary = (call: AnyCall, callback: sendUnaryData<unknown>): void =>
    void answerOne(call, callback, bound);
  return method.responseStream
    ? (streaming as UntypedHandleCall)
    : (unary as handleUnaryCall<unknown, unknown> as UntypedHandleCall);
}

interface Bound {
  readonly method: AnyMethod;
  readonly handler: Handler<never, unknown>;
  readonly deps: PolicyDeps;
}

async function answerOne(
  call: AnyCall,
  callback: sendUnaryData<unknown>,
  { method, handler, deps }: Bound,
): Promise<void> {
  const context = contextOf(call, method, deps);
  const settle = answerOnce(context, deps, callback);
  const admission = deps.admission.unary;
  context.onAbort(settle);
  try {
    admission.enter(context);
    const invocation = { context, handler, request: requestOf(call, method) };
    settle(undefined, await invoke(invocation, deps));
  } catch (error) {
    settle(error);
  } finally {
    admission.leave(context);
  }
}

async function answerStream(call: WritableCall, { method, handler, deps }: Bound): Promise<void> {
  const context = contextOf(call, method, deps);
  const settle = answerOnce(context, deps, (error) => {
    if (error) call.emit('error', error);
    else call.end();
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

/** The first outcome is the answer: a result, a failure, or what aborted the call. */
function answerOnce(context: CallContext, deps: PolicyDeps, callback: sendUnaryData<unknown>) {
  let isSettled = false;
  return (error: unknown, value?: unknown): void => {
    if (isSettled) return;
    isSettled = true;
    context.settle();
    if (error === undefined) {
      callback(null, value);
      return;
    }
    if (isFault(error)) deps.onFault(error, context);
    callback(toErrorResponse(error));
  };
}

/** `name` and `message` are what the span records. */
function toErrorResponse(error: unknown): ServerErrorResponse {
  const sent = toServiceError(error);
  return { ...sent, name: isAppError(error) ? error.reason : 'INTERNAL', message: sent.details };
}

function requestOf(call: AnyCall, method: AnyMethod): unknown {
  return method.requestStream
    ? readAll(call as ServerDuplexStream<unknown, unknown>)
    : (call as ServerUnaryCall<unknown, unknown>).request;
}

/** Reads to the end without closing the call, which has yet to be answered. */
async function* readAll(call: ServerDuplexStream<unknown, unknown>): AsyncIterable<unknown> {
  for await (const message of call.iterator({ destroyOnReturn: false })) {
    if (message instanceof UnreadableMessage) throw message.error;
    yield message;
  }
}

/** Writes at the reader's pace; stops when the call is aborted. */
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
