import type { Metadata } from '@grpc/grpc-js';
import { AppError } from '../errors/index.js';

/** What a handler knows of the call it serves. */
export class CallContext {
  /** Without leading slash, as in `order.v1.OrderService/GetOrder`. */
  readonly method: string;
  readonly metadata: Metadata;
  /** Address of the caller. */
  readonly peer: string;
  /** When the answer must be on its way, milliseconds since the epoch; Infinity on an open-ended stream. */
  readonly deadline: number;
  #controller: AbortController | undefined;
  #aborted: AppError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: Pick<CallContext, 'method' | 'metadata' | 'peer' | 'deadline'>) {
    this.method = init.method;
    this.metadata = init.metadata;
    this.peer = init.peer;
    this.deadline = init.deadline;
  }

  /** Aborts with an {@link AppError} on cancel, deadline and shutdown. Made on first use. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted);
    return this.#controller.signal;
  }

  /** Milliseconds until the deadline, never negative. */
  timeLeftMs(): number {
    return Math.max(0, this.deadline - Date.now());
  }

  /** Ends the work for this call; the first reason stays. */
  abort(reason: AppError): void {
    if (this.#aborted) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }

  /** Why the call was ended from outside, if it was. */
  get aborted(): AppError | undefined {
    return this.#aborted;
  }

  /** Calls back, with the call aborted, when the deadline comes. */
  onDeadline(callback: (error: AppError) => void): void {
    if (!Number.isFinite(this.deadline)) return;
    this.#timer = setTimeout(() => {
      const error = new AppError({
        reason: 'DEADLINE_EXCEEDED',
        message: 'the deadline came before the answer',
      });
      this.abort(error);
      callback(error);
    }, this.timeLeftMs());
  }

  /** Forgets the deadline: the call is answered. */
  settle(): void {
    clearTimeout(this.#timer);
  }
}
