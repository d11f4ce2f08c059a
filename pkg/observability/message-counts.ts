import type { Span } from '@opentelemetry/api';

/** Which ways of a call are streams, seen from the side that counts. */
export interface Streams {
  readonly incoming: boolean;
  readonly outgoing: boolean;
}

/**
 * How many messages a stream has carried so far, as its span shows it: `rpc.messages.received` and
 * `rpc.messages.sent`, each where that way of the call is a stream. The conventions have no name for
 * them, only events for each message, of which a long stream would have too many.
 */
export class MessageCounts {
  readonly #streams: Streams;
  #received = 0;
  #sent = 0;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  received(span: Span | undefined): void {
    this.#received += 1;
    this.show(span);
  }

  sent(span: Span | undefined): void {
    this.#sent += 1;
    this.show(span);
  }

  /** Keeps the span up to date at every moment: however a stream ends, nothing needs to hear of it. */
  show(span: Span | undefined): void {
    if (!span?.isRecording()) return;
    if (this.#streams.incoming) span.setAttribute('rpc.messages.received', this.#received);
    if (this.#streams.outgoing) span.setAttribute('rpc.messages.sent', this.#sent);
  }
}
