import { AppError, isAppError } from '../errors/app-error.js';

const connectionCodes = new Set([
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  // 25P03: the server closed a session that sat idle in a transaction.
  '25P03',
  // 25006: after a failover the old primary is read-only; a new connection finds the new one.
  '25006',
]);
const connectionCodePrefixes = ['08', '57P', 'ECONN'];
const connectionMessages = [
  'Connection terminated',
  'timeout expired',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed',
  'Cannot use a pool after calling end',
];
const acquireTimeout = 'timeout exceeded when trying to connect';

/** SQLSTATE of a PostgreSQL error or code of a system error. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether the connection is gone, so that what it was doing is in doubt. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error) || isAppError(error)) return false;
  const code = errorCode(error);
  if (code === undefined) return connectionMessages.some((m) => error.message.startsWith(m));
  return connectionCodes.has(code) || connectionCodePrefixes.some((p) => code.startsWith(p));
}

/** Whether the server rolled the transaction back because of others, so that it may be run again. */
export function isConflict(error: unknown): boolean {
  const code = errorCode(error);
  return code === '40001' || code === '40P01';
}

/** Whether a unique or primary key was violated; with `constraint`, that one. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (errorCode(error) !== '23505' || !(error instanceof Error)) return false;
  return constraint === undefined || ('constraint' in error && error.constraint === constraint);
}

/**
 * Says what a failure of the database means to a caller, as an AppError with the failure as its
 * cause. A failure that means nothing to callers is returned as it is.
 */
export function translateError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`thrown: ${String(error)}`, { cause: error });
  if (isAppError(error)) return error;
  if (isConnectionLoss(error)) {
    return new AppError({
      reason: 'DEPENDENCY_UNAVAILABLE',
      message: 'the database is unavailable',
      cause: error,
    });
  }
  const code = errorCode(error);
  if (code === '53300' || error.message === acquireTimeout) {
    return new AppError({
      reason: 'OVERLOADED',
      message: 'no database connection is free',
      cause: error,
    });
  }
  if (code === '57014') {
    return new AppError({
      reason: 'DEADLINE_EXCEEDED',
      message: 'the database took too long',
      cause: error,
    });
  }
  if (isConflict(error)) {
    return new AppError({
      reason: 'CONFLICT',
      message: 'other calls are changing the same data',
      cause: error,
    });
  }
  return error;
}
