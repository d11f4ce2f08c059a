import {
  Metadata,
  status,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { withCallRecord, type CallRecord } from './call-record.js';
import { innermostOf, isStreamDestroyed } from './grpc-js-internals.js';
import { perMethod } from './method-name.js';
import { MessageCounts } from './tracing/message-counts.js';
import { addTraceId } from './tracing/trace-id-header.js';

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];
type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];
type MethodDefinition = Parameters<ServerInterceptor>[0];

/** Final status, duration and record of a call. */
export interface EndedCall {
  readonly code: status;
  readonly details: string;
  readonly seconds: number;
  readonly record: CallRecord;
}

/**
 * Called once with the final status of a call: the status from the handler, a status that grpc-js created and that
 * bypasses the interceptors (message over the limit, deadline), or CANCELLED when the caller cancels the call before a
 * status is sent.
 */
export type OnEnd = (ended: EndedCall) => void;

/**
 * Creates the interceptor that gives each call a {@link CallRecord}, counts the messages of streams on the server span,
 * sends the trace id, and calls the functions that `observersOf` returns. `observersOf` is called once for each method.
 */
export function serverCallInterceptor(observersOf: (method: string) => readonly OnEnd[]): ServerInterceptor {
  const observers = perMethod(observersOf);
  return (definition, call) =>
    // grpc-js uses only the interface, which a class can implement without a closure for each event.
    new ServerCall(call, definition, observers(definition.path)) as unknown as ServerInterceptingCall;
}

/** One call between the handler and grpc-js: receives the events of grpc-js and forwards what the handler sends. */
class ServerCall implements ServerInterceptingCallInterface, Listener {
  /** Has the same name as in `ServerInterceptingCall`, for {@link innermostOf}. */
  readonly nextCall: ServerInterceptingCallInterface;
  readonly #observers: readonly OnEnd[];
  readonly #record: CallRecord = { fields: {}, startedAt: performance.now() };
  readonly #counts: MessageCounts | undefined;
  #listener: Listener | undefined;
  #received: Metadata | undefined;
  #areHeadersSent = false;
  #isCancelled = false;
  #hasEnded = false;

  constructor(
    nextCall: ServerInterceptingCallInterface,
    { requestStream: incoming, responseStream: outgoing }: MethodDefinition,
    observers: readonly OnEnd[],
  ) {
    this.nextCall = nextCall;
    this.#observers = observers;
    if (incoming || outgoing) {
      this.#counts = new MessageCounts({ incoming, outgoing });
      this.#record.messageCounts = this.#counts;
    }
    onStatus(nextCall, (sent) => {
      this.#end(sent.code ?? status.UNKNOWN, sent.details ?? '');
      return sent;
    });
  }

  start(listener: Listener): void {
    this.#listener = listener;
    this.nextCall.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    if (this.#isCancelled) return;
    this.#received = metadata;
    // grpc-js calls the handler when the metadata or the half-close arrives, so both run with the record.
    withCallRecord(this.#record, () => this.#listener?.onReceiveMetadata(metadata));
  }

  onReceiveMessage(message: unknown): void {
    if (this.#isCancelled) return;
    this.#counts?.received(this.#record.span);
    this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    if (!this.#isCancelled) withCallRecord(this.#record, () => this.#listener?.onReceiveHalfClose());
  }

  onCancel(): void {
    this.#isCancelled = true;
    this.#end(status.CANCELLED, 'cancelled by the caller');
    this.#listener?.onCancel();
  }

  sendMetadata(metadata: Metadata): void {
    this.#areHeadersSent = true;
    addTraceId(metadata, this.#received);
    this.nextCall.sendMetadata(metadata);
  }

  sendMessage(message: unknown, callback: () => void): void {
    if (!this.#areHeadersSent) this.sendMetadata(new Metadata());
    this.#counts?.sent(this.#record.span);
    this.nextCall.sendMessage(message, callback);
  }

  sendStatus(final: SentStatus): void {
    if (!this.#areHeadersSent) {
      final.metadata ??= new Metadata();
      addTraceId(final.metadata, this.#received);
    }
    this.nextCall.sendStatus(final);
  }

  startRead(): void {
    this.nextCall.startRead();
  }

  getPeer(): string {
    return this.nextCall.getPeer();
  }

  getDeadline(): ReturnType<ServerInterceptingCallInterface['getDeadline']> {
    return this.nextCall.getDeadline();
  }

  getHost(): string {
    return this.nextCall.getHost();
  }

  getAuthContext(): ReturnType<ServerInterceptingCallInterface['getAuthContext']> {
    return this.nextCall.getAuthContext();
  }

  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface['getConnectionInfo']> {
    return this.nextCall.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface['getMetricsRecorder']> {
    return this.nextCall.getMetricsRecorder();
  }

  #end(code: status, details: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const seconds = (performance.now() - this.#record.startedAt) / 1000;
    const ended = { code, details, seconds, record: this.#record };
    for (const onEnd of this.#observers) onEnd(ended);
  }
}

/**
 * Replaces each status of `call` with the result of `transform` before the status is sent. This includes statuses
 * that grpc-js creates: they bypass the interceptors, but not `sendStatus` of the innermost call.
 */
export function onStatus(
  call: ServerInterceptingCallInterface,
  transform: (sent: SentStatus) => SentStatus,
): void {
  const inner = innermostOf(call);
  const send = inner.sendStatus;
  inner.sendStatus = (sent) => send.call(inner, isStreamDestroyed(inner) ? sent : transform(sent));
}
