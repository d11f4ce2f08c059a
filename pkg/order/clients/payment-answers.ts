import { AppError, isAppError } from '../../errors/index.js';
import {
  DeclineAdvice,
  DeclineCode,
  PaymentResult,
  PaymentState,
  PaymentView,
  type Decline,
  type Payment,
  type PaymentServiceService,
} from '../../pb/payment/v1/payment.js';
import { toWire, type WireMoney } from '../../money/index.js';
import type { CallOptions, RpcClient } from '../../rpc/index.js';
import type { OperatorAction, Rejection, SagaOrder } from '../domain.js';
import { finalRefusals, type OrderRefund, type RefundAnswer } from '../operator/refund.js';
import type { StepResult } from '../saga/plan.js';
import { refundRefusals, toStepResult } from './step-answers.js';

/*
 * Converts the answers of the payment service to step results. A state that is not a definite answer leaves the step in
 * doubt. This includes a state that only a later version knows.
 */

/** The results that {@link authorized} and {@link captured} understand beyond those of the first version. */
export const acceptedResults = [
  PaymentResult.ACTION_REQUIRED,
  PaymentResult.EXPIRED,
  PaymentResult.CAPTURE_DECLINED,
];

interface PaymentAnswer {
  readonly payment?: Payment | undefined;
}

/** @throws AppError PAYMENT_IN_DOUBT */
export function authorized({ payment }: PaymentAnswer): StepResult {
  switch (payment?.state) {
    case PaymentState.AUTHORIZED:
    case PaymentState.CAPTURED:
    case PaymentState.PARTIALLY_REFUNDED:
    case PaymentState.REFUNDED:
      return { kind: 'done' };
    case PaymentState.DECLINED: {
      const rejection = declined('PAYMENT_DECLINED', payment.decline);
      // The payment service stores a decline, and answers every repetition alike.
      return { kind: 'refused', rejection, detail: rejection.declineCode, effect: 'NONE' };
    }
    case PaymentState.EXPIRED:
      return expired(payment);
    // Voided by another client, or expired and answered by an earlier version of the payment service.
    case PaymentState.VOIDED:
      return stepRefused('VOIDED');
    case PaymentState.ACTION_REQUIRED: {
      const { url = '', dueTime } = payment.action ?? {};
      if (dueTime) return { kind: 'waiting', action: { url, dueAt: dueTime } };
      throw inDoubt(payment);
    }
    default:
      throw inDoubt(payment);
  }
}

/** @throws AppError PAYMENT_IN_DOUBT */
export function captured({ payment }: PaymentAnswer): StepResult {
  switch (payment?.state) {
    case PaymentState.CAPTURED:
    case PaymentState.PARTIALLY_REFUNDED:
      return { kind: 'done' };
    // An order without any money left must not be confirmed.
    case PaymentState.REFUNDED:
      return stepRefused('REFUNDED');
    case PaymentState.EXPIRED:
      return expired(payment);
    case PaymentState.AUTHORIZED: {
      if (!payment.captureDecline) throw inDoubt(payment);
      const rejection = declined('CAPTURE_DECLINED', payment.captureDecline);
      return { kind: 'refused', rejection, detail: rejection.declineCode, effect: 'UNKNOWN' };
    }
    default:
      throw inDoubt(payment);
  }
}

/** @throws AppError PAYMENT_IN_DOUBT */
export function voided({ payment }: PaymentAnswer): StepResult {
  switch (payment?.state) {
    case PaymentState.VOIDED:
    case PaymentState.DECLINED:
    case PaymentState.EXPIRED:
      return { kind: 'done' };
    default:
      throw inDoubt(payment);
  }
}

/**
 * Refunds what is left of a captured payment. The step is done when the captured money is returned in full; while a
 * refund is pending, the step is in doubt.
 * @throws AppError PAYMENT_IN_DOUBT
 */
export async function refund(
  client: RpcClient<typeof PaymentServiceService>,
  order: SagaOrder,
  options: CallOptions,
): Promise<StepResult> {
  const { paymentId } = order;
  let known: Payment | undefined;
  const read = (): Promise<StepResult | undefined> =>
    client.getPayment({ paymentId, view: PaymentView.BASIC }, options).then(({ payment }) => {
      known = payment;
      return isReturned(payment) ? { kind: 'done', detail: 'nothing left to refund' } : undefined;
    });
  const request = async (): Promise<StepResult> => {
    const nothingLeft = await read();
    if (nothingLeft) return nothingLeft;
    const requestId = refundKey(order, known?.refundedAmount);
    const { payment } = await client.refundPayment({ requestId, paymentId, amount: undefined }, options);
    if (!isReturned(payment)) throw inDoubt(payment);
    return { kind: 'done' };
  };
  const result = await toStepResult(request(), refundRefusals, (answer) => answer);
  // Another client may have refunded the rest at the same time.
  return (result.kind === 'refused' && known !== undefined && (await read())) || result;
}

/**
 * Records that an operator returned what is left of a captured payment outside the gateway.
 * @throws AppError DEPENDENCY_UNAVAILABLE when an earlier version of the payment service answers, and PAYMENT_IN_DOUBT
 *   while another refund is pending
 */
export async function recordExternalRefund(
  client: RpcClient<typeof PaymentServiceService>,
  order: SagaOrder,
  { action, options }: { readonly action: OperatorAction; readonly options: CallOptions },
): Promise<void> {
  const { paymentId } = order;
  const { payment } = await client.getPayment({ paymentId, view: PaymentView.BASIC }, options);
  if (isReturned(payment)) return;
  const { actor, reason } = action;
  const requestId = `${refundKey(order, payment?.refundedAmount)}/external`;
  const request = { requestId, paymentId, amount: undefined, actor, reason };
  const recorded = await client.recordExternalRefund(request, options).catch((error: unknown) => {
    throw isAppError(error, 'METHOD_NOT_FOUND')
      ? paymentServiceTooOld('record an external refund', error)
      : error;
  });
  if (!isReturned(recorded.payment)) throw inDoubt(recorded.payment);
}

/** @param action such as `cancel a refund` */
export function paymentServiceTooOld(action: string, cause: unknown): AppError {
  return new AppError({
    reason: 'DEPENDENCY_UNAVAILABLE',
    message: `an earlier version of the payment service cannot ${action}: repeat the call after its upgrade`,
    cause,
  });
}

/** Refunds a part of a captured payment. Throws when the refund is in doubt. */
export async function refundPart(
  client: RpcClient<typeof PaymentServiceService>,
  { id, paymentId, amount, actor, reason }: OrderRefund,
  options: CallOptions,
): Promise<RefundAnswer> {
  const request = { requestId: id, paymentId, amount: toWire(amount), actor, reason };
  try {
    await client.refundPayment(request, options);
    return { state: 'SUCCEEDED' };
  } catch (error) {
    const refusal = isAppError(error) && finalRefusals.find((known) => known === error.reason);
    if (!refusal) throw error;
    return { state: 'REFUSED', refusal };
  }
}

/** After a partial refund by another client, the refund of the smaller remaining amount needs another key. */
export function refundKey({ refundId }: SagaOrder, refunded: WireMoney | undefined): string {
  const { units = 0n, nanos = 0 } = refunded ?? {};
  return units === 0n && nanos === 0 ? refundId : `${refundId}/${units}.${nanos}`;
}

/** Whether all captured money is returned and no later capture is possible. */
export function isReturned(payment: Payment | undefined): boolean {
  const { capturedAmount, refundedAmount, refundPendingAmount } = payment ?? {};
  switch (payment?.state) {
    case PaymentState.CAPTURED:
    case PaymentState.PARTIALLY_REFUNDED:
    case PaymentState.REFUNDED:
    case PaymentState.VOIDED:
    case PaymentState.DECLINED:
    case PaymentState.EXPIRED:
      return isEqual(capturedAmount, refundedAmount) && isEqual(refundPendingAmount, undefined);
    default:
      return false;
  }
}

function isEqual(a: WireMoney | undefined, b: WireMoney | undefined): boolean {
  return (a?.units ?? 0n) === (b?.units ?? 0n) && (a?.nanos ?? 0) === (b?.nanos ?? 0);
}

/**
 * An amount was authorized only if the gateway approved the payment. Without an amount, the customer did not act in
 * time.
 */
function expired({ authorizedAmount }: Payment): StepResult {
  const reason = isEqual(authorizedAmount, undefined) ? 'PAYMENT_ACTION_EXPIRED' : 'AUTHORIZATION_EXPIRED';
  return { kind: 'refused', rejection: { reason }, detail: reason, effect: 'UNKNOWN' };
}

function stepRefused(detail: string): StepResult {
  return { kind: 'refused', rejection: { reason: 'STEP_REFUSED' }, detail, effect: 'UNKNOWN' };
}

function declined(
  reason: 'PAYMENT_DECLINED' | 'CAPTURE_DECLINED',
  decline: Decline | undefined,
): Rejection & { readonly declineCode: string } {
  const { code = DeclineCode.UNSPECIFIED, advice = DeclineAdvice.UNSPECIFIED } = decline ?? {};
  return { reason, declineCode: DeclineCode[code], declineAdvice: DeclineAdvice[advice] };
}

function inDoubt(payment: Payment | undefined): AppError {
  const state = PaymentState[payment?.state ?? PaymentState.UNSPECIFIED];
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: `the payment has no definite answer in state ${state}`,
  });
}
