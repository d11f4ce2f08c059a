import { once } from 'node:events';
import type {
  handleUnaryCall,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import { AppError, isAppError } from '../errors/index.js';
import type { CallContext } from './call-context.js';
import type { AnyMethod, Handler } from './definition.js';
import { toServiceError } from './error-details.js';
import { contextOf, invoke, type PolicyDeps } from './handler.js';

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/**
 * Turns a promise or async-iterable handler into the callback that grpc-js wants. Mandatory: in bare
 * grpc-js an async handler that rejects never answers its caller.
 */
export function adapt(
  method: AnyMethod,
  handler: Handler<never, unknown>,
  deps: PolicyDeps,
): UntypedHandleCall {
  if (method.responseStream) {
    const streaming = (call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>) =>
      void answerStream(call, { method, handler, deps });
    return streaming as UntypedHandleCall;
  }
  const unary = (call: AnyCall, callback: sendUnaryData<unknown>) =>
    void answerOne(call, callback, { method, handler, deps });
  return unary as handleUnaryCall<unknown, unknown> as UntypedHandleCall;
}

interface Bound {
  readonly method: AnyMethod;
  readonly handler: Handler<never, unknown>;
  readonly deps: PolicyDeps;
}

function requestOf(call: AnyCall, method: AnyMethod): unknown {
  return method.requestStream ? call : (call as ServerUnaryCall<unknown, unknown>).request;
}

async function answerOne(
  call: AnyCall,
  callback: sendUnaryData<unknown>,
  { method, handler, deps }: Bound,
): Promise<void> {
  const context = contextOf(call, method.path, false, deps);
  const { unary: admission } = deps.admission;
  let settled = false;
  const settle = (error: unknown, value?: unknown): void => {
    if (settled) return;
    settled = true;
    context.settle();
    if (error === undefined) callback(null, value);
    else callback(toServiceError(report(error, context, deps)));
  };
  const onShutdown = (): void => {
    context.abort(shuttingDown());
    settle(context.aborted);
  };
  try {
    admission.enter();
  } catch (error) {
    settle(error);
    return;
  }
  deps.shutdown.all.addEventListener('abort', onShutdown);
  context.onDeadline(settle);
  try {
    settle(
      undefined,
      await invoke({ context, isStream: false, handler, request: requestOf(call, method) }, deps),
    );
  } catch (error) {
    settle(error);
  } finally {
    deps.shutdown.all.removeEventListener('abort', onShutdown);
    admission.leave();
  }
}

async function answerStream(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  { method, handler, deps }: Bound,
): Promise<void> {
  const context = contextOf(call, method.path, true, deps);
  const { streams: admission } = deps.admission;
  const onShutdown = (): void => context.abort(shuttingDown());
  let admitted = false;
  try {
    admission.enter();
    admitted = true;
    deps.shutdown.streams.addEventListener('abort', onShutdown);
    if (deps.shutdown.streams.aborted) throw shuttingDown();
    context.onDeadline(() => undefined);
    const messages = invoke({ context, isStream: true, handler, request: requestOf(call, method) }, deps);
    await writeAll(call, messages as AsyncIterable<unknown>, context.signal);
    if (context.aborted) throw context.aborted;
    call.end();
  } catch (error) {
    call.emit('error', toServiceError(report(context.aborted ?? error, context, deps)));
  } finally {
    context.settle();
    deps.shutdown.streams.removeEventListener('abort', onShutdown);
    if (admitted) admission.leave();
  }
}

/** Writes at the reader's pace; stops when the call is aborted. */
async function writeAll(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  messages: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!call.write(message)) await once(call, 'drain', { signal });
  }
}

function report(error: unknown, context: CallContext, deps: PolicyDeps): unknown {
  if (!isAppError(error) || error.reason === 'INTERNAL') deps.onUnexpected(error, context);
  return error;
}

function shuttingDown(): AppError {
  return new AppError({ reason: 'SHUTTING_DOWN', message: 'the server is shutting down', retryAfterMs: 100 });
}
