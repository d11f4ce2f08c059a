import type { Span } from '@opentelemetry/api';

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
