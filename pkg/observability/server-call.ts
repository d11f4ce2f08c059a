import type { ServerHttp2Stream } from 'node:http2';
import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type ServerInterceptingCallInterface,
} from '@grpc/grpc-js';

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
  const end = (final: FinalStatus): void => {
    if (ended) return;
    ended = true;
    onEnd(final);
  };
  const listener = new ServerListenerBuilder().withOnCancel(() => whenSent(call, end)).build();
  return new ServerInterceptingCall(call, {
    start: (next) => next(listener),
    sendStatus: (sent, next) => {
      end({ code: sent.code ?? status.UNKNOWN, details: sent.details ?? '' });
      next(sent);
    },
  });
}

/**
 * grpc-js sends some statuses from its innermost call, where no interceptor sees them; the HTTP/2
 * stream knows what was sent. Trailers are written a moment after `onCancel`, hence the wait for close.
 */
function whenSent(call: ServerInterceptingCallInterface, report: (final: FinalStatus) => void): void {
  const stream = http2Stream(call);
  if (!stream || stream.closed) report(sentStatus(stream));
  else stream.once('close', () => report(sentStatus(stream)));
}

function sentStatus(stream: ServerHttp2Stream | undefined): FinalStatus {
  const headers = { ...stream?.sentHeaders, ...stream?.sentTrailers };
  const code = headers['grpc-status'];
  const known = code === undefined ? status.CANCELLED : (Number(code) as status);
  return { code: known, details: String(headers['grpc-message'] ?? '') };
}

/** The stream under a call; grpc-js keeps it in a private field of its innermost call. */
function http2Stream(call: ServerInterceptingCallInterface): ServerHttp2Stream | undefined {
  const inner: unknown = Reflect.get(call, 'nextCall');
  if (inner !== undefined) return http2Stream(inner as ServerInterceptingCallInterface);
  return Reflect.get(call, 'stream') as ServerHttp2Stream | undefined;
}
