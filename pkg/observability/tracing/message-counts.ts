import { SpanKind, trace, type Span } from '@opentelemetry/api';
import {
  InterceptingCall,
  ServerInterceptingCall,
  ServerListenerBuilder,
  type Interceptor,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { currentCall, type CallRecord } from '../call-record.js';

/**
 * Directions in which a call streams messages. On the server, requests are incoming messages. On the client, responses
 * are incoming messages.
 */
export interface StreamDirections {
  readonly incoming: boolean;
  readonly outgoing: boolean;
}

/**
 * Counts the messages of a call in the span attributes `rpc.messages.received` (incoming stream) and
 * `rpc.messages.sent` (outgoing stream). The OpenTelemetry conventions define an event per message, which would be
 * too many events for a long stream.
 */
export class MessageCounts {
  readonly #streams: StreamDirections;
  #received = 0;
  #sent = 0;

  constructor(streams: StreamDirections) {
    this.#streams = streams;
  }

  received(span: Span | undefined): void {
    this.#received += 1;
    this.setAttributes(span);
  }

  sent(span: Span | undefined): void {
    this.#sent += 1;
    this.setAttributes(span);
  }

  /** Called at the start and after every message, because a stream can end without a further event. */
  setAttributes(span: Span | undefined): void {
    if (!span?.isRecording()) return;
    if (this.#streams.incoming) span.setAttribute('rpc.messages.received', this.#received);
    if (this.#streams.outgoing) span.setAttribute('rpc.messages.sent', this.#sent);
  }
}

/**
 * Counts the messages of streams on the server span. This interceptor reads the record of the call, so it must come
 * after the interceptor of metrics or logging, which creates the record.
 */
export function messageCountServerInterceptor(): ServerInterceptor {
  return (definition, call) => {
    const { requestStream, responseStream } = definition;
    // grpc-js uses only the interface that `call` implements, so a wrapper is not necessary.
    if (!requestStream && !responseStream) return call as ServerInterceptingCall;
    const counts = new MessageCounts({ incoming: requestStream, outgoing: responseStream });
    let record: CallRecord | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        record = currentCall();
        if (record) record.messageCounts = counts;
        next(metadata);
      })
      .withOnReceiveMessage((message, next) => {
        counts.received(record?.span);
        next(message);
      })
      .build();
    return new ServerInterceptingCall(call, {
      start: (next) => next(listener),
      sendMessage: (message, next) => {
        counts.sent(record?.span);
        next(message);
      },
    });
  };
}

/** Counts the messages of streams on the client span. */
export function messageCountClientInterceptor(): Interceptor {
  return (options, nextCall) => {
    const { requestStream, responseStream } = options.method_definition;
    const span = requestStream || responseStream ? activeClientSpan() : undefined;
    if (!span) return nextCall(options) as InterceptingCall;
    const counts = new MessageCounts({ incoming: responseStream, outgoing: requestStream });
    counts.setAttributes(span);
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

/**
 * Returns the active span if it is the span of a client call. During a call without a span, the active span may be the
 * server span of the handler, for which the function returns undefined.
 */
function activeClientSpan(): Span | undefined {
  const span = trace.getActiveSpan();
  return span?.isRecording() && Reflect.get(span, 'kind') === SpanKind.CLIENT ? span : undefined;
}
