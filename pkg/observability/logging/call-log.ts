import { status } from '@grpc/grpc-js';
import { isBatchMethod } from '../batch/batch-methods.js';
import { callSpan, type CallRecord } from '../call-record.js';
import { callSite } from '../call-site.js';
import type { OnClientCallEnd } from '../client-call.js';
import { statusName } from '../method-name.js';
import type { OnEnd } from '../server-call.js';
import { spanFields, type Logger } from './logger.js';

/** Statuses of server calls that failed because of an error of this service. */
const serverFaults = new Set([status.UNKNOWN, status.INTERNAL, status.DATA_LOSS]);

/** Statuses of server calls that have no result because of an outage, a shutdown or a deadline. */
const unserved = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/** Statuses of client calls whose outcome is in doubt: the called service gave no definite answer. */
const unanswered = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.INTERNAL, status.UNKNOWN]);

/** Calls of these methods are frequent and are logged at debug. */
const probeMethods = /^grpc\.(health|reflection)\./;

/**
 * Value of `caller` in the lines of calls. The value is computed once, because its computation takes as long as all
 * other work for a log line.
 */
const caller = callSite();

/**
 * Returns the function that logs `call served` at the end of each call of one method, with the fields of `annotateCall`
 * and the error of `recordFailure`. Requests and responses are never logged.
 */
export function serverCallLog(logger: Logger, method: string): OnEnd {
  const isProbe = probeMethods.test(method);
  const isBatch = isBatchMethod(method);
  return ({ code, details, seconds, record }) => {
    // Each item of a batch call has a line of its own.
    const isQuiet = isProbe || (isBatch && code === status.OK);
    const level = serverLevel(isQuiet, code, record);
    if (!logger.isLevelEnabled(level)) return;
    const fields: Record<string, unknown> = {
      caller,
      ...spanFields(callSpan(record)),
      method,
      status: statusName(code),
      duration_ms: toMilliseconds(seconds),
    };
    Object.assign(fields, record.fields);
    if (code !== status.OK) fields['details'] = details;
    if (record.failure !== undefined) fields['err'] = record.failure;
    logger[level](fields, 'call served');
  };
}

function serverLevel(
  isQuiet: boolean,
  code: status,
  { failure }: CallRecord,
): 'debug' | 'info' | 'warn' | 'error' {
  if (failure !== undefined || serverFaults.has(code)) return 'error';
  if (isQuiet) return 'debug';
  return unserved.has(code) ? 'warn' : 'info';
}

/**
 * Returns the function that logs `call made` at the end of each call of one method of the service `target`, at warn if
 * the outcome is in doubt, else at debug.
 */
export function clientCallLog(
  { logger, target }: { readonly logger: Logger; readonly target: string },
  method: string,
): OnClientCallEnd {
  const isBatch = isBatchMethod(method);
  return ({ code, details, seconds, span }) => {
    // Each item of a batch call has a line of its own.
    const level = unanswered.has(code) && !isBatch ? 'warn' : 'debug';
    if (!logger.isLevelEnabled(level)) return;
    const fields = {
      caller,
      ...spanFields(span),
      method,
      target,
      status: statusName(code),
      duration_ms: toMilliseconds(seconds),
      // The details name the cause, such as an untrusted certificate.
      ...(level === 'warn' ? { details } : {}),
    };
    logger[level](fields, 'call made');
  };
}

/** Converts seconds to milliseconds with two decimals. */
function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 100_000) / 100;
}
