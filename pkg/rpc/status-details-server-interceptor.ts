import { status as Status, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { AppError, type Reason } from '../errors/index.js';
import { onStatus } from '../observability/server-call.js';
import { toServiceError } from './error-details.js';

/** What grpc-js refuses by itself, without details. */
const reasons: Partial<Record<Status, Reason>> = {
  [Status.RESOURCE_EXHAUSTED]: 'MESSAGE_TOO_LARGE',
  [Status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
};

/** Adds the details that callers are promised to the statuses that grpc-js makes by itself. */
export function statusDetailsServerInterceptor(): ServerInterceptor {
  return (_definition, call) => {
    onStatus(call, (sent) => {
      const reason = sent.metadata || sent.code === null ? undefined : reasons[sent.code];
      if (reason === undefined) return sent;
      const message = sent.details ?? '';
      return toServiceError(new AppError({ reason, message }));
    });
    return new ServerInterceptingCall(call);
  };
}
