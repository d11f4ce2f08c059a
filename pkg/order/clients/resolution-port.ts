import { isAppError } from '../../errors/index.js';
import {
  PaymentView,
  RefundState,
  type Payment,
  type PaymentServiceService,
} from '../../pb/payment/v1/payment.js';
import type { WireMoney } from '../../money/index.js';
import type { CallOptions, RpcClient } from '../../rpc/index.js';
import type { OperatorAction, SagaOrder } from '../domain.js';
import { contradictedResolution, refundUndecided } from '../operator/errors.js';
import type { ResolutionPort } from '../operator/resolution.js';
import { isReturned, paymentServiceTooOld, recordExternalRefund, refundKey } from './payment-answers.js';

type PaymentClient = RpcClient<typeof PaymentServiceService>;

export function resolutionPort(client: PaymentClient): ResolutionPort {
  return {
    apply: async (order, action, options) => {
      if (order.step === 'VOID_PAYMENT') await checkVoid(client, order, options);
      if (order.step !== 'REFUND_PAYMENT') return;
      await cancelRefund(client, order, { action, options });
      await recordExternalRefund(client, order, { action, options });
    },
  };
}

/** The money of a captured payment must be refunded: a void by other means cannot have taken effect. */
async function checkVoid(client: PaymentClient, order: SagaOrder, options: CallOptions): Promise<void> {
  const payment = await findPayment(client, order, { view: PaymentView.AUDIT, options });
  const { audit, externallyRefundedAmount } = payment ?? {};
  const returned = nanosOf(audit?.refundedAmount) + nanosOf(externallyRefundedAmount);
  if (nanosOf(audit?.capturedAmount) > returned)
    throw contradictedResolution(order, 'the gateway has captured the payment, and money is left to refund');
}

async function cancelRefund(
  client: PaymentClient,
  order: SagaOrder,
  { action, options }: { readonly action: OperatorAction; readonly options: CallOptions },
): Promise<void> {
  const { id, paymentId } = order;
  const payment = await findPayment(client, order, { view: PaymentView.BASIC, options });
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
  { view, options }: { readonly view: PaymentView; readonly options: CallOptions },
): Promise<Payment | undefined> {
  try {
    return (await client.getPayment({ paymentId, view }, options)).payment;
  } catch (error) {
    if (isAppError(error, 'PAYMENT_NOT_FOUND')) return undefined;
    throw error;
  }
}

function nanosOf({ units, nanos }: WireMoney = { currencyCode: '', units: 0n, nanos: 0 }): bigint {
  return units * 1_000_000_000n + BigInt(nanos);
}
