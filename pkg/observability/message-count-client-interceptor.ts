import { SpanKind, trace, type Span } from '@opentelemetry/api';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { MessageCounts } from './message-counts.js';

/** Counts the messages of streams on their client span. */
export function messageCountClientInterceptor(): Interceptor {
  return (options, nextCall) => {
    const { requestStream, responseStream } = options.method_definition;
    const span = requestStream || responseStream ? clientSpan() : undefined;
    if (!span) return nextCall(options) as InterceptingCall;
    const counts = new MessageCounts({ incoming: responseStream, outgoing: requestStream });
    counts.show(span);
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMessage: (message, pass) => {
            counts.received(span);
            pass(message);
          },
        }),
      sendMessage: (message, next) => {
        counts.sent(span);
        next(message);
      },
    });
  };
}

/** The active span, if it is one of a call: methods that are not traced run in their caller's. */
function clientSpan(): Span | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() && Reflect.get(span, 'kind') === SpanKind.CLIENT ? span : undefined;
}
