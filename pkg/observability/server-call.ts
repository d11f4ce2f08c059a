import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type ServerInterceptingCallInterface,
} from '@grpc/grpc-js';
import { withCallRecord, type CallRecord } from './call-record.js';
import { innermostOf, isStreamDestroyed } from './grpc-js-internals.js';

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** Final status, duration and record of a call. */
export interface EndedCall {
  readonly code: status;
  readonly details: string;
  readonly seconds: number;
  readonly record: CallRecord;
}

type OnEnd = (ended: EndedCall) => void;

/** Callbacks of each open call. The key is the innermost call, because all interceptors share it. */
const callbacks = new WeakMap<ServerInterceptingCallInterface, OnEnd[]>();

/**
 * Wraps a server call so that `onEnd` is called once with its final status: the status from the handler, a status
 * that grpc-js created and that bypasses the interceptors (message over the limit, deadline), or CANCELLED when the
 * caller cancels the call before a status is sent. All interceptors of a call share one wrapper and one record.
 */
export function observeServerCall(
  call: ServerInterceptingCallInterface,
  onEnd: OnEnd,
): ServerInterceptingCall {
  const inner = innermostOf(call);
  const existing = callbacks.get(inner);
  if (existing) {
    existing.push(onEnd);
    // grpc-js uses only the interface that `call` implements, so a second wrapper is not necessary.
    return call as ServerInterceptingCall;
  }
  const observers = [onEnd];
  callbacks.set(inner, observers);
  const record: CallRecord = { fields: {} };
  const end = endOnce(record, (ended) => observers.forEach((observer) => observer(ended)));
  onStatus(call, (sent) => {
    end(sent.code ?? status.UNKNOWN, sent.details ?? '');
    return sent;
  });
  return new ServerInterceptingCall(call, { start: (next) => next(recordingListener(record, end)) });
}

type End = (code: status, details: string) => void;

function endOnce(record: CallRecord, onEnd: OnEnd): End {
  const started = performance.now();
  let ended = false;
  return (code, details) => {
    if (ended) return;
    ended = true;
    onEnd({ code, details, seconds: (performance.now() - started) / 1000, record });
  };
}

/**
 * Runs the metadata event and the half-close event of a call with `record`. grpc-js starts the handler in one of these
 * events, so the handler also runs with `record`.
 */
function recordingListener(record: CallRecord, end: End) {
  return new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => withCallRecord(record, () => next(metadata)))
    .withOnReceiveHalfClose((next) => withCallRecord(record, next))
    .withOnCancel(() => end(status.CANCELLED, 'cancelled by the caller'))
    .build();
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
  const send = inner.sendStatus.bind(inner);
  inner.sendStatus = (sent) => send(isStreamDestroyed(inner) ? sent : transform(sent));
}
