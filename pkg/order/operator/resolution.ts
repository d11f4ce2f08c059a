import type { CallOptions } from '../../rpc/index.js';
import type { OperatorAction, SagaOrder } from '../domain.js';

/** Checks of a resolution at the payment service. */
export interface ResolutionPort {
  /**
   * Checks that the gateway agrees with the resolution of a blocked order. A blocked refund is cancelled, so that no late
   * attempt of the refund returns the money a second time.
   * @throws AppError ILLEGAL_TRANSITION when the gateway has captured a payment whose void is blocked, or has made the
   *   blocked refund; PAYMENT_IN_DOUBT and other errors when the answer of the gateway is unknown
   */
  check(order: SagaOrder, action: OperatorAction, options: CallOptions): Promise<void>;
}
