import type {
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { AppError } from '../../errors/index.js';

/** Call object that grpc-js passes to a handler. */
export type ServerCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/** @throws AppError PERMISSION_DENIED or UNAUTHENTICATED when the caller may not call the method */
export type Authorize = (context: CallContext) => void;

/** State of one call on the server. A handler can pass its context to a client as `CallOptions`. */
export class CallContext {
  /** Method name without a leading slash, such as `order.v1.OrderService/GetOrder`. */
  readonly method: string;
  readonly metadata: Metadata;
  /** Address of the caller. */
  readonly peer: string;
  /** DNS names and URIs in the certificate of the caller; an empty array without mutual TLS. */
  readonly callerNames: readonly string[];
  /** Latest time to send the response, in milliseconds since the epoch; Infinity for a stream without a deadline. */
  readonly deadline: number;
  #controller: AbortController | undefined;
  #aborted: AppError | undefined;
  #onAbort: ((reason: AppError) => void) | undefined;
  #onWait: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor(init: Pick<CallContext, 'method' | 'metadata' | 'peer' | 'callerNames' | 'deadline'>) {
    this.method = init.method;
    this.metadata = init.metadata;
    this.peer = init.peer;
    this.callerNames = init.callerNames;
    this.deadline = init.deadline;
  }

  /**
   * Aborts with an {@link AppError} on cancellation, deadline and shutdown. The server has already sent the response at
   * that time; the handler must stop its work.
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  /** Time until the deadline; 0 after the deadline. */
  timeLeftMs(): number {
    return Math.max(0, this.deadline - Date.now());
  }

  /** The reason of the abort; undefined while the call is not aborted. */
  get aborted(): AppError | undefined {
    return this.#aborted;
  }

  /** Whether the response has been sent. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Aborts the call with `reason`. Has no effect after the response or after another abort. */
  abort(reason: AppError): void {
    if (this.#isSettled || this.#aborted) return;
    this.#aborted = reason;
    this.#onAbort?.(reason);
    this.#controller?.abort(reason);
  }

  /** Aborts the call because its caller has cancelled it. */
  cancel(): void {
    // The error is created only for calls without a response, because most calls have one when this is called.
    if (!this.#isSettled)
      this.abort(new AppError({ reason: 'CANCELLED', message: 'the caller cancelled the call' }));
  }

  /**
   * Must be called before a wait that needs no resources of the server except memory. The call then no longer counts for
   * the limit of concurrent calls.
   */
  wait(): void {
    this.#onWait?.();
  }

  /** Registers the callback of {@link wait}. */
  onWait(callback: () => void): void {
    this.#onWait = callback;
  }

  /** Registers the abort callback and starts the deadline timer. */
  onAbort(callback: (reason: AppError) => void): void {
    this.#onAbort = callback;
    if (!Number.isFinite(this.deadline)) return;
    this.#timer = setTimeout(() => this.abort(deadlineExceeded()), this.timeLeftMs());
  }

  /** Records that the response has been sent. Later aborts have no effect. */
  settle(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
  }
}

function deadlineExceeded(): AppError {
  return new AppError({ reason: 'DEADLINE_EXCEEDED', message: 'the deadline expired before the response' });
}
