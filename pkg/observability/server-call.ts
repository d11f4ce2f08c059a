import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type ServerInterceptingCallInterface,
} from '@grpc/grpc-js';

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** How a call ended. */
export interface FinalStatus {
  readonly code: status;
  readonly details: string;
}

/**
 * Wraps a server call so that `onEnd` hears its final status, once: what the handler sent, or what
 * grpc-js itself answered past the interceptors (a message over the limit, a deadline), or CANCELLED
 * when the caller went away first.
 */
export function observeServerCall(
  call: ServerInterceptingCallInterface,
  onEnd: (final: FinalStatus) => void,
): ServerInterceptingCall {
  let ended = false;
  const end = (code: status, details: string): void => {
    if (ended) return;
    ended = true;
    onEnd({ code, details });
  };
  onStatus(call, (sent) => {
    end(sent.code ?? status.UNKNOWN, sent.details ?? '');
    return sent;
  });
  const listener = new ServerListenerBuilder()
    .withOnCancel(() => end(status.CANCELLED, 'the caller hung up'))
    .build();
  return new ServerInterceptingCall(call, { start: (next) => next(listener) });
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
