import { Metadata, status as Status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { AppError, isAppError, isReason, type Reason } from '../../errors/index.js';
import { statusName } from '../../observability/index.js';
import { BadRequest, ErrorInfo, PreconditionFailure, RetryInfo } from '../../pb/google/rpc/error_details.js';
import { Status as RpcStatus } from '../../pb/google/rpc/status.js';
import { reasonOf, statusOf } from './status.js';

/** `ErrorInfo.domain` of all errors. */
export const errorDomain = 'order-processing';

const detailsKey = 'grpc-status-details-bin';
const typePrefix = 'type.googleapis.com/';
/** Retry delay of RESOURCE_EXHAUSTED and ABORTED when the error has no `retryAfterMs`. */
const defaultRetryAfterMs = 100;

/** Converts a failure to a status. A failure that is not an {@link AppError} becomes INTERNAL without its text. */
export function toStatus(failure: unknown): RpcStatus {
  const error = isAppError(failure)
    ? failure
    : new AppError({ reason: 'INTERNAL', message: 'internal error' });
  const code = statusOf[error.reason];
  const message = error.reason === 'INTERNAL' ? 'internal error' : error.message;
  return { code, message, details: detailsOf(error, code) };
}

/** Converts a failure to the status of a call, like {@link toStatus}. */
export function toServiceError(failure: unknown): Partial<StatusObject> & { code: Status; details: string } {
  const { code, message, details } = toStatus(failure);
  return { code, details: message, metadata: metadataOf({ code, message, details }) };
}

function metadataOf(status: RpcStatus): Metadata {
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(RpcStatus.encode(status).finish()));
  return metadata;
}

function detailsOf(error: AppError, code: Status): RpcStatus['details'] {
  const { reason, fields, preconditions } = error;
  const info = { reason, domain: errorDomain, metadata: reason === 'INTERNAL' ? {} : { ...error.metadata } };
  const details = [pack('google.rpc.ErrorInfo', ErrorInfo.encode(info).finish())];
  if (fields.length > 0) {
    const fieldViolations = fields.map(({ field, description }) => ({
      field,
      description,
      reason: '',
      localizedMessage: undefined,
    }));
    details.push(pack('google.rpc.BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  if (preconditions.length > 0) {
    const violations = preconditions.map(({ type, subject, description }) => ({
      type,
      subject,
      description,
    }));
    details.push(pack('google.rpc.PreconditionFailure', PreconditionFailure.encode({ violations }).finish()));
  }
  const retryAfterMs = error.retryAfterMs ?? (isRetryable(code) ? defaultRetryAfterMs : undefined);
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1000)),
      nanos: (retryAfterMs % 1000) * 1_000_000,
    };
    details.push(pack('google.rpc.RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  return details;
}

function isRetryable(code: Status): boolean {
  return code === Status.RESOURCE_EXHAUSTED || code === Status.ABORTED;
}

function pack(type: string, value: Uint8Array): { typeUrl: string; value: Buffer } {
  return { typeUrl: typePrefix + type, value: Buffer.from(value) };
}

/**
 * Converts a gRPC error to an {@link AppError} with its details. For a call without a response, the message of
 * grpc-js contains hosts and ports. That message is only in `cause`, because callers may forward the `message` of the
 * {@link AppError}.
 */
export function fromServiceError(error: ServiceError): AppError {
  const [bytes] = error.metadata?.get(detailsKey) ?? [];
  const sent = bytes instanceof Buffer ? decodeDetails(bytes) : undefined;
  const reason = sent?.reason !== undefined && isReason(sent.reason) ? sent.reason : reasonOf(error.code);
  return new AppError({
    ...sent,
    reason,
    message: sent ? error.details : (messagesWithoutDetails[reason] ?? 'the service failed'),
    metadata: { ...sent?.metadata, ...(sent ? {} : { grpc_status: Status[error.code] }) },
    cause: error,
  });
}

/** Converts the status of one item of a batch call as {@link fromServiceError} converts the status of a unary call. */
export function fromStatus(status: RpcStatus): AppError {
  const { code, message } = status;
  const metadata = status.details.length > 0 ? metadataOf(status) : new Metadata();
  return fromServiceError(serviceError({ code, details: message, metadata }));
}

/** Creates the error that grpc-js creates for a call with this status. */
export function serviceError({ code, details, metadata }: StatusObject): ServiceError {
  return Object.assign(new Error(`${code} ${statusName(code)}: ${details}`), { code, details, metadata });
}

const messagesWithoutDetails: Partial<Record<Reason, string>> = {
  CANCELLED: 'the call was cancelled',
  DEADLINE_EXCEEDED: 'the deadline expired before the response',
  DEPENDENCY_UNAVAILABLE: 'the service did not respond',
};

interface SentDetails {
  reason?: string;
  metadata?: Record<string, string>;
  fields?: { field: string; description: string }[];
  preconditions?: { type: string; subject: string; description: string }[];
  retryAfterMs?: number;
}

/** Skips unknown detail types. Returns undefined for malformed bytes. */
function decodeDetails(bytes: Buffer): SentDetails | undefined {
  try {
    return Object.assign({}, ...RpcStatus.decode(bytes).details.map(unpack)) as SentDetails;
  } catch {
    return undefined;
  }
}

function unpack({ typeUrl, value }: { typeUrl: string; value: Buffer }): SentDetails {
  switch (typeUrl.slice(typePrefix.length)) {
    case 'google.rpc.ErrorInfo': {
      const { reason, metadata } = ErrorInfo.decode(value);
      return { reason, metadata };
    }
    case 'google.rpc.BadRequest':
      return {
        fields: BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({
          field,
          description,
        })),
      };
    case 'google.rpc.PreconditionFailure':
      return { preconditions: PreconditionFailure.decode(value).violations };
    case 'google.rpc.RetryInfo': {
      const { retryDelay } = RetryInfo.decode(value);
      return retryDelay
        ? { retryAfterMs: Number(retryDelay.seconds) * 1000 + retryDelay.nanos / 1_000_000 }
        : {};
    }
    default:
      return {};
  }
}
