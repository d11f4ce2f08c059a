import type { Reason } from './reason.js';

/** An invalid field of a request (`google.rpc.BadRequest`). */
export interface FieldViolation {
  /** Path of the field, such as `items[2].quantity`. */
  readonly field: string;
  readonly description: string;
}

/** A precondition that the state of the system does not meet (`google.rpc.PreconditionFailure`). */
export interface PreconditionViolation {
  /** Kind of precondition, such as `STOCK`. */
  readonly type: string;
  /** Resource that does not meet the precondition, such as a SKU. */
  readonly subject: string;
  readonly description: string;
}

export interface AppErrorInit {
  readonly reason: Reason;
  /** Message for developers. It is sent to the caller and must not contain secrets, SQL or host names. */
  readonly message: string;
  /** Machine-readable data that is sent to the caller. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fields?: readonly FieldViolation[];
  readonly preconditions?: readonly PreconditionViolation[];
  /** Minimum delay before a retry. */
  readonly retryAfterMs?: number;
  /** Underlying error, which is logged and never sent. */
  readonly cause?: unknown;
}

/** An error with a reason for callers. A service sends every other error as INTERNAL. */
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
