import type { CallOptions } from '../../rpc/index.js';
import type { OperatorAction, SagaOrder } from '../domain.js';

/** Resolutions of operators at the payment and inventory services. */
export interface ResolutionPort {
  /**
   * Makes the resolution of a blocked order final at the service of its step. The payment of a blocked void is voided, or
   * gets a tombstone, so that no late call charges it. A blocked refund is cancelled, so that no late attempt of it returns
   * the money a second time, and what is left of the payment is recorded as an external refund. The reservation of a
   * blocked release is released, or gets a tombstone, so that the stock is returned once. A repetition has no further
   * effect.
   * @throws AppError ILLEGAL_TRANSITION when the gateway has captured a payment whose void is blocked and money is left,
   *   or has made the blocked refund, or when the reservation holds stock after the release; DEPENDENCY_UNAVAILABLE when
   *   the payment service has an earlier version; PAYMENT_IN_DOUBT and other errors when the answer of the gateway is
   *   unknown; and the error of a service that rejects the void or the release
   */
  apply(order: SagaOrder, action: OperatorAction, options: CallOptions): Promise<void>;
}
