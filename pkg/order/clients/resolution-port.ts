import { isAppError } from '../../errors/index.js';
import { ReservationState, type InventoryServiceService } from '../../pb/inventory/v1/inventory.js';
import {
  PaymentView,
  RefundState,
  type Payment,
  type PaymentServiceService,
} from '../../pb/payment/v1/payment.js';
import type { WireMoney } from '../../money/index.js';
import type { CallOptions, RpcClient } from '../../rpc/index.js';
import type { OperatorAction, SagaOrder } from '../domain.js';
import { contradictedResolution, refundUndecided, reservationHeld } from '../operator/errors.js';
import type { ResolutionPort } from '../operator/resolution.js';
import {
  isReturned,
  paymentServiceTooOld,
  recordExternalRefund,
  refundKey,
  voided,
} from './payment-answers.js';

type PaymentClient = RpcClient<typeof PaymentServiceService>;
type InventoryClient = RpcClient<typeof InventoryServiceService>;

interface Clients {
  readonly payment: PaymentClient;
  readonly inventory: InventoryClient;
}

export function resolutionPort({ payment, inventory }: Clients): ResolutionPort {
  return {
    apply: async (order, action, options) => {
      if (order.step === 'VOID_PAYMENT') await voidPayment(payment, order, { action, options });
      if (order.step === 'RELEASE_STOCK') await releaseStock(inventory, order, { action, options });
      if (order.step !== 'REFUND_PAYMENT') return;
      await cancelRefund(payment, order, { action, options });
      await recordExternalRefund(payment, order, { action, options });
    },
  };
}

interface Call {
  readonly action: OperatorAction;
  readonly options: CallOptions;
}

/**
 * Voids the payment, or stores a tombstone for an unknown one, so that no late authorization or capture charges the
 * customer of an order that has ended. The money of a captured payment must have been returned.
 */
async function voidPayment(
  client: PaymentClient,
  order: SagaOrder,
  { action, options }: Call,
): Promise<void> {
  const { paymentId } = order;
  const { actor, reason } = action;
  try {
    voided(await client.voidPayment({ paymentId, actor, reason }, options));
  } catch (error) {
    // After a capture, the amounts decide.
    if (!isAppError(error, 'ILLEGAL_TRANSITION')) throw error;
  }
  const { payment } = await client.getPayment({ paymentId, view: PaymentView.AUDIT }, options);
  if (!isReturned(payment) || !isReturnedByGateway(payment))
    throw contradictedResolution(order, 'the gateway has captured the payment, and money is left to refund');
}

/** The end of a reservation that holds no stock. */
const released: ReadonlySet<ReservationState | undefined> = new Set([
  ReservationState.RELEASED,
  ReservationState.RETURNED,
  ReservationState.REFUSED,
]);

/**
 * Releases the reservation, or stores a tombstone for an unknown one, so that an order that has ended holds no stock and
 * no late call reserves or commits it.
 */
async function releaseStock(
  client: InventoryClient,
  order: SagaOrder,
  { action: { actor, reason }, options }: Call,
): Promise<void> {
  const { reservationId } = order;
  const { reservation } = await client.releaseReservation({ reservationId, actor, reason }, options);
  if (!released.has(reservation?.state)) throw reservationHeld(order);
}

function isReturnedByGateway({ audit, externallyRefundedAmount }: Partial<Payment> = {}): boolean {
  const returned = nanosOf(audit?.refundedAmount) + nanosOf(externallyRefundedAmount);
  return nanosOf(audit?.capturedAmount) <= returned;
}

async function cancelRefund(
  client: PaymentClient,
  order: SagaOrder,
  { action, options }: Call,
): Promise<void> {
  const { id, paymentId } = order;
  const payment = await findPayment(client, order, options);
  // A refund that was made has changed the key, and is found by its amount.
  if (isReturned(payment) && nanosOf(payment?.externallyRefundedAmount) === 0n)
    throw contradictedResolution(order, 'the gateway has refunded the payment, and no money is left');
  const requestId = refundKey(order, payment?.refundedAmount);
  const { actor, reason } = action;
  const { state } = await client
    .cancelRefund({ requestId, paymentId, actor, reason }, options)
    .catch((error: unknown) => {
      throw isAppError(error, 'METHOD_NOT_FOUND') ? paymentServiceTooOld('cancel a refund', error) : error;
    });
  if (state === RefundState.CANCELLED || state === RefundState.REJECTED) return;
  if (state === RefundState.SUCCEEDED)
    throw contradictedResolution(order, 'the refund has taken effect at the gateway');
  throw refundUndecided(id);
}

async function findPayment(
  client: PaymentClient,
  { paymentId }: SagaOrder,
  options: CallOptions,
): Promise<Payment | undefined> {
  try {
    return (await client.getPayment({ paymentId, view: PaymentView.BASIC }, options)).payment;
  } catch (error) {
    if (isAppError(error, 'PAYMENT_NOT_FOUND')) return undefined;
    throw error;
  }
}

function nanosOf({ units, nanos }: WireMoney = { currencyCode: '', units: 0n, nanos: 0 }): bigint {
  return units * 1_000_000_000n + BigInt(nanos);
}
