import type { Metadata } from '@grpc/grpc-js';
import { AppError } from '../errors/index.js';

/** What a handler knows of the call it serves. */
export class CallContext {
  /** Without leading slash, as in `order.v1.OrderService/GetOrder`. */
  readonly method: string;
  readonly metadata: Metadata;
  /** Address of the caller. */
  readonly peer: string;
  /** DNS names and URIs that the caller's certificate vouches for; none on a plain connection. */
  readonly callerNames: readonly string[];
  /** When the answer must be on its way, milliseconds since the epoch; Infinity on an open-ended stream. */
  readonly deadline: number;
  #controller: AbortController | undefined;
  #aborted: AppError | undefined;
  #onAbort: ((reason: AppError) => void) | undefined;
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
   * Aborts with an {@link AppError} on cancel, deadline and shutdown. The caller has its answer then; a
   * handler that waits for something else must heed it, or it waits on for nobody.
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  /** Milliseconds until the deadline, never negative. */
  timeLeftMs(): number {
    return Math.max(0, this.deadline - Date.now());
  }

  /** Why the call was ended from outside, if it was. */
  get aborted(): AppError | undefined {
    return this.#aborted;
  }

  /** Whether the call is answered. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Ends the work for this call, unless it is answered; the first reason stays. */
  abort(reason: AppError): void {
    if (this.#isSettled || this.#aborted) return;
    this.#aborted = reason;
    this.#onAbort?.(reason);
    this.#controller?.abort(reason);
  }

  /** Calls back when the call is aborted, and aborts it when its deadline comes. */
  onAbort(callback: (reason: AppError) => void): void {
    this.#onAbort = callback;
    if (!Number.isFinite(this.deadline)) return;
    this.#timer = setTimeout(() => this.abort(deadlineExceeded()), this.timeLeftMs());
  }

  /** The call is answered: nothing can abort it any more. */
  settle(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
  }
}

function deadlineExceeded(): AppError {
  return new AppError({ reason: 'DEADLINE_EXCEEDED', message: 'the deadline came before the answer' });
}
