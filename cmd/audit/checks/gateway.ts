import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { minorUnits } from './amounts.js';
import { violationsOf } from './violations.js';

/** Returns whether the answer of the gateway about this payment is still pending. */
export function awaitsGateway({ state, refundPendingAmount }: Payment): boolean {
  return state === PaymentState.PENDING || minorUnits(refundPendingAmount) > 0n;
}

/**
 * Invariant 8: a payment agrees with the records of the gateway. While an answer of the gateway is pending, the two may
 * differ.
 */
export function gatewayViolations(payment: Payment): string[] {
  const { state, audit } = payment;
  if (!audit) return ['the gateway ledger is missing'];
  if (state === PaymentState.PENDING || state === PaymentState.ACTION_REQUIRED) return [];
  const isAuthorized = minorUnits(payment.authorizedAmount) > 0n;
  const isCaptured = minorUnits(payment.capturedAmount) > 0n;
  const isVoided = state === PaymentState.VOIDED;
  return [
    ...differences(payment, audit),
    ...violationsOf({
      [`the gateway authorized ${audit.authorizationCount} times`]:
        audit.authorizationCount !== Number(isAuthorized),
      [`the gateway captured ${audit.captureCount} times`]: audit.captureCount !== Number(isCaptured),
      [`the payment is ${PaymentState[state]}, but the gateway has voided it`]:
        audit.voided && !isVoided && state !== PaymentState.EXPIRED,
      'the payment is VOIDED, but the gateway has an open authorization':
        isVoided && isAuthorized && !audit.voided,
    }),
  ];
}

/** Returns whether the gateway has captured, or still authorizes, a payment that is VOIDED or EXPIRED here. */
export function hasChargeBeyondVoid({ state, authorizedAmount, audit }: Payment): boolean {
  if (!audit || (state !== PaymentState.VOIDED && state !== PaymentState.EXPIRED)) return false;
  const isOpen = state === PaymentState.VOIDED && minorUnits(authorizedAmount) > 0n && !audit.voided;
  return audit.captureCount > 0 || isOpen;
}

function differences(payment: Payment, audit: NonNullable<Payment['audit']>): string[] {
  const refunded = minorUnits(payment.refundedAmount) - minorUnits(payment.externallyRefundedAmount);
  const limits = {
    authorizedAmount: { recorded: minorUnits(payment.authorizedAmount), pending: 0n },
    capturedAmount: { recorded: minorUnits(payment.capturedAmount), pending: 0n },
    refundedAmount: { recorded: refunded, pending: minorUnits(payment.refundPendingAmount) },
  };
  return (['authorizedAmount', 'capturedAmount', 'refundedAmount'] as const).flatMap((name) => {
    const { recorded, pending } = limits[name];
    const gateway = minorUnits(audit[name]);
    const agrees = gateway >= recorded && gateway <= recorded + pending;
    return agrees ? [] : [`${name} ${recorded}, gateway ${gateway}`];
  });
}
