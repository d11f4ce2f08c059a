import type { Reason } from './reason.js';

/** One field of a request that broke a rule, as in `google.rpc.BadRequest`. */
export interface FieldViolation {
  /** Path of the field, such as `items[2].quantity`. */
  readonly field: string;
  readonly description: string;
}

/** One rule of the system's state that a call broke, as in `google.rpc.PreconditionFailure`. */
export interface PreconditionViolation {
  /** Kind of rule, such as `STOCK`. */
  readonly type: string;
  /** What broke it, such as a SKU. */
  readonly subject: string;
  readonly description: string;
}

export interface AppErrorInit {
  readonly reason: Reason;
  /** For the caller's developer. Goes to the wire: no secret, SQL or host name. */
  readonly message: string;
  /** Facts a program can use. Goes to the wire. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fields?: readonly FieldViolation[];
  readonly preconditions?: readonly PreconditionViolation[];
  /** When to try again at the earliest, in milliseconds. */
  readonly retryAfterMs?: number;
  /** What lies behind it. Logged, never sent. */
  readonly cause?: unknown;
}

/** A failure that callers are meant to understand. Everything else leaves a service as INTERNAL. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly FieldViolation[];
  readonly preconditions: readonly PreconditionViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(init: AppErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = init.reason;
    this.metadata = init.metadata ?? {};
    this.fields = init.fields ?? [];
    this.preconditions = init.preconditions ?? [];
    this.retryAfterMs = init.retryAfterMs;
  }
}

export function isAppError(error: unknown, reason?: Reason): error is AppError {
  return error instanceof AppError && (reason === undefined || error.reason === reason);
}
