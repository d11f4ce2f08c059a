import { AppError, isAppError } from '../errors/index.js';

const connectionCodes = new Set([
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  // 25P03: the server closed a session that was idle in a transaction.
  '25P03',
  // 25006: after a failover the old primary is read-only; a new connection reaches the new primary.
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

/** Returns the SQLSTATE of a PostgreSQL error or the code of a system error. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Returns true when the connection is lost; the outcome of the statement is then in doubt. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error) || isAppError(error)) return false;
  const code = errorCode(error);
  if (code === undefined) return connectionMessages.some((m) => error.message.startsWith(m));
  return connectionCodes.has(code) || connectionCodePrefixes.some((p) => code.startsWith(p));
}

/** SQLSTATEs of a serialization failure, a deadlock and a lock that was not available within `lock_timeout`. */
const conflictCodes = new Set<string | undefined>(['40001', '40P01', '55P03']);

/** Returns true when the server rolled back the transaction because of a concurrent transaction; a retry may succeed. */
export function isConflict(error: unknown): boolean {
  return conflictCodes.has(errorCode(error));
}

/** Returns true when the data of the statement caused the failure: SQLSTATE class 22 or 23. */
export function isDataError(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return code.length === 5 && (code.startsWith('22') || code.startsWith('23'));
}

/** Returns true for a violated unique or primary key. If `constraint` is given, the violated key must have this name. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (errorCode(error) !== '23505' || !(error instanceof Error)) return false;
  return constraint === undefined || ('constraint' in error && error.constraint === constraint);
}

/**
 * Converts a database error into an AppError, with the original error as cause. Errors for which no reason is defined
 * are returned unchanged.
 */
export function translateError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`thrown: ${String(error)}`, { cause: error });
  if (isAppError(error)) return error;
  const code = errorCode(error);
  if (isConnectionLoss(error) || isOutOfResources(code)) {
    return new AppError({
      reason: 'DEPENDENCY_UNAVAILABLE',
      message: 'the database is unavailable',
      cause: error,
    });
  }
  if (code === '53300' || error.message === acquireTimeout) {
    return new AppError({
      reason: 'OVERLOADED',
      message: 'the database connection pool is exhausted',
      cause: error,
    });
  }
  if (code === '57014') {
    return new AppError({
      reason: 'DEADLINE_EXCEEDED',
      message: 'the database statement timed out',
      cause: error,
    });
  }
  if (isConflict(error)) {
    return new AppError({
      reason: 'CONFLICT',
      message: 'concurrent calls change the same data',
      cause: error,
    });
  }
  return error;
}

/** The server has no disk space, memory or other resource; too many connections (53300) have an error of their own. */
function isOutOfResources(code: string | undefined): boolean {
  return code?.startsWith('53') === true && code !== '53300';
}
