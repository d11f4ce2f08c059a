import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { minorOf } from '../amounts.js';
import { sum, violated, type Invariant } from './invariant.js';

export const gatewayAgrees: Invariant = {
  number: 8,
  title: "The gateway's books and the payments agree",
  check({ examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    const audits = payments.flatMap(({ audit }) => audit ?? []);
    return {
      figures: {
        payments: payments.length,
        authorizations: audits.reduce((count, audit) => count + audit.authorizationCount, 0),
        captures: audits.reduce((count, audit) => count + audit.captureCount, 0),
        captured_minor_units: Number(sum(payments.map(({ capturedAmount }) => minorOf(capturedAmount)))),
        captured_by_gateway: Number(sum(audits.map(({ capturedAmount }) => minorOf(capturedAmount)))),
        refunded_minor_units: Number(sum(payments.map(({ refundedAmount }) => minorOf(refundedAmount)))),
        refunded_by_gateway: Number(sum(audits.map(({ refundedAmount }) => minorOf(refundedAmount)))),
      },
      violations: payments.flatMap(broken),
    };
  },
};

function broken(payment: Payment): string[] {
  const { paymentId, state, audit } = payment;
  if (!audit) return [`payment ${paymentId}: the gateway's books are missing`];
  const differs = (['authorizedAmount', 'capturedAmount', 'refundedAmount'] as const)
    .filter((amount) => minorOf(payment[amount]) !== minorOf(audit[amount]))
    .map(
      (amount) =>
        `payment ${paymentId}: ${amount} ${minorOf(payment[amount])}, gateway ${minorOf(audit[amount])}`,
    );
  const isAuthorized = minorOf(payment.authorizedAmount) > 0n;
  const isCaptured = minorOf(payment.capturedAmount) > 0n;
  const isVoided = state === PaymentState.VOIDED;
  return [
    ...differs,
    ...violated(`payment ${paymentId}`, {
      [`the gateway authorized ${audit.authorizationCount} times`]:
        audit.authorizationCount !== Number(isAuthorized),
      [`the gateway captured ${audit.captureCount} times`]: audit.captureCount !== Number(isCaptured),
      [`${PaymentState[state]}, but the gateway holds a void`]: audit.voided && !isVoided,
      'VOIDED, but the gateway still blocks the money': isVoided && isAuthorized && !audit.voided,
    }),
  ];
}
