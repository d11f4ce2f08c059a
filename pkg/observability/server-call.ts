import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type ServerInterceptingCallInterface,
} from '@grpc/grpc-js';
import { withCallRecord, type CallRecord } from './call-record.js';

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** How a call ended. */
export interface EndedCall {
  readonly code: status;
  readonly details: string;
  readonly seconds: number;
  /** What became known of it on the way. */
  readonly record: CallRecord;
}

type OnEnd = (ended: EndedCall) => void;

/** The listeners of each call under way, by its innermost layer, which all interceptors share. */
const listeners = new WeakMap<ServerInterceptingCallInterface, OnEnd[]>();

/**
 * Wraps a server call so that `onEnd` hears its final status, once: what the handler sent, or what
 * grpc-js itself answered past the interceptors (a message over the limit, a deadline), or CANCELLED
 * when the caller went away first. However many interceptors observe a call, it is wrapped once and has
 * one record, which the first of them makes.
 */
export function observeServerCall(
  call: ServerInterceptingCallInterface,
  onEnd: OnEnd,
): ServerInterceptingCall {
  const inner = innermost(call);
  const others = listeners.get(inner);
  if (others) {
    others.push(onEnd);
    // What grpc-js hands on is all it asks for; another wrapper would only cost.
    return call as ServerInterceptingCall;
  }
  const heard = [onEnd];
  listeners.set(inner, heard);
  const record: CallRecord = { fields: {} };
  const end = endOnce(record, (ended) => heard.forEach((tell) => tell(ended)));
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

/** Handlers start inside the first two of these events, so what they annotate lands in `record`. */
function recordingListener(record: CallRecord, end: End) {
  return new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => withCallRecord(record, () => next(metadata)))
    .withOnReceiveHalfClose((next) => withCallRecord(record, next))
    .withOnCancel(() => end(status.CANCELLED, 'the caller hung up'))
    .build();
}

/**
 * Lets `see` look at, and change, each status on its way to the wire. Statuses that grpc-js makes by
 * itself pass no interceptor; all of them pass `sendStatus` of its innermost call.
 */
export function onStatus(call: ServerInterceptingCallInterface, see: (sent: SentStatus) => SentStatus): void {
  const inner = innermost(call);
  const send = inner.sendStatus.bind(inner);
  inner.sendStatus = (sent) => send(isGone(inner) ? sent : see(sent));
}

function innermost(call: ServerInterceptingCallInterface): ServerInterceptingCallInterface {
  const next: unknown = Reflect.get(call, 'nextCall');
  return next === undefined ? call : innermost(next as ServerInterceptingCallInterface);
}

/** Whether nobody is there any more to send to; grpc-js then drops statuses and reports a cancel. */
function isGone(inner: ServerInterceptingCallInterface): boolean {
  const stream = Reflect.get(inner, 'stream') as { readonly destroyed: boolean } | undefined;
  return stream?.destroyed === true;
}
