import { SpanKind, trace, type Span } from '@opentelemetry/api';
import type {
  InterceptingCall,
  InterceptingListener,
  Interceptor,
  InterceptorOptions,
  Metadata,
  NextCall,
  status,
  StatusObject,
} from '@grpc/grpc-js';
import { perMethod } from './method-name.js';
import { MessageCounts } from './tracing/message-counts.js';

type NextClientCall = ReturnType<NextCall>;
type Listener = Partial<InterceptingListener>;

/** Final status and duration of a call. */
export interface EndedClientCall {
  readonly code: status;
  readonly details: string;
  readonly seconds: number;
  /** Span that was active when the call started: the span of the call, if it has one. */
  readonly span: Span | undefined;
}

/** Called with the final status of a call. Retries inside the channel are not separate calls. */
export type OnClientCallEnd = (ended: EndedClientCall) => void;

/**
 * Creates the interceptor that counts the messages of streams on the client span and calls the functions that
 * `observersOf` returns. `observersOf` is called once for each method.
 */
export function clientCallInterceptor(
  observersOf: (method: string) => readonly OnClientCallEnd[],
): Interceptor {
  const observers = perMethod(observersOf);
  return (options, nextCall) =>
    // grpc-js uses only the interface, which a class can implement without a closure for each event.
    new ClientCall(
      nextCall(options),
      options,
      observers(options.method_definition.path),
    ) as unknown as InterceptingCall;
}

class ClientCall implements NextClientCall, InterceptingListener {
  readonly #nextCall: NextClientCall;
  readonly #observers: readonly OnClientCallEnd[];
  /** The status arrives in the context of the connection, in which the span of this call is not active. */
  readonly #span = trace.getActiveSpan();
  readonly #counts: MessageCounts | undefined;
  #startedAt = 0;
  #listener: Listener | undefined;

  constructor(
    nextCall: NextClientCall,
    { method_definition: { requestStream, responseStream } }: InterceptorOptions,
    observers: readonly OnClientCallEnd[],
  ) {
    this.#nextCall = nextCall;
    this.#observers = observers;
    if ((requestStream || responseStream) && isClientSpan(this.#span)) {
      this.#counts = new MessageCounts({ incoming: responseStream, outgoing: requestStream });
      this.#counts.setAttributes(this.#span);
    }
  }

  start(metadata: Metadata, listener?: Listener): void {
    this.#listener = listener;
    this.#startedAt = performance.now();
    this.#nextCall.start(metadata, this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener?.onReceiveMetadata?.(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.#counts?.received(this.#span);
    this.#listener?.onReceiveMessage?.(message);
  }

  onReceiveStatus(final: StatusObject): void {
    const { code, details } = final;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const ended = { code, details, seconds, span: this.#span };
    for (const onEnd of this.#observers) onEnd(ended);
    this.#listener?.onReceiveStatus?.(final);
  }

  sendMessage(message: unknown): void {
    this.#counts?.sent(this.#span);
    this.#nextCall.sendMessage(message);
  }

  sendMessageWithContext(
    ...[messageContext, message]: Parameters<NextClientCall['sendMessageWithContext']>
  ): void {
    this.#counts?.sent(this.#span);
    this.#nextCall.sendMessageWithContext(messageContext, message);
  }

  startRead(): void {
    this.#nextCall.startRead();
  }

  halfClose(): void {
    this.#nextCall.halfClose();
  }

  cancelWithStatus(code: status, details: string): void {
    this.#nextCall.cancelWithStatus(code, details);
  }

  getPeer(): string {
    return this.#nextCall.getPeer();
  }

  getAuthContext(): ReturnType<NextClientCall['getAuthContext']> {
    return this.#nextCall.getAuthContext();
  }
}

/** During a call without a span, the active span may be the server span of the handler. */
function isClientSpan(span: Span | undefined): boolean {
  return span?.isRecording() === true && Reflect.get(span, 'kind') === SpanKind.CLIENT;
}
