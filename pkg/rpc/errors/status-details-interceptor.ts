import { status as Status, type ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { AppError, type Reason } from '../../errors/index.js';
import { onStatus } from '../../observability/index.js';
import { toServiceError } from './error-details.js';

/** Reasons for the statuses that grpc-js itself creates. These statuses have no details. */
const reasons: Partial<Record<Status, Reason>> = {
  [Status.RESOURCE_EXHAUSTED]: 'MESSAGE_TOO_LARGE',
  [Status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
};

/** Adds `google.rpc.Status` details to the statuses that grpc-js itself creates. */
export function statusDetailsServerInterceptor(): ServerInterceptor {
  return (_definition, call) => {
    onStatus(call, (sent) => {
      const reason = sent.metadata || sent.code === null ? undefined : reasons[sent.code];
      if (reason === undefined) return sent;
      const message = sent.details ?? '';
      return toServiceError(new AppError({ reason, message }));
    });
    // grpc-js uses only the interface that `call` implements, so a wrapper is not necessary.
    return call as ServerInterceptingCall;
  };
}
