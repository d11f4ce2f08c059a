import type { Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { sum } from '../../audit/checks/violations.js';
import { minorUnits } from '../../audit/checks/amounts.js';
import { gatewayViolations } from '../../audit/checks/gateway.js';
import { about, type Invariant } from './invariant.js';

export const gatewayInSync: Invariant = {
  number: 8,
  title: 'The payments are in sync with the gateway ledger',
  check({ examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    const audits = payments.flatMap(({ audit }) => audit ?? []);
    return {
      figures: {
        payments: payments.length,
        authorizations: audits.reduce((count, audit) => count + audit.authorizationCount, 0),
        captures: audits.reduce((count, audit) => count + audit.captureCount, 0),
        captured_minor_units: Number(sum(payments.map(({ capturedAmount }) => minorUnits(capturedAmount)))),
        captured_by_gateway: Number(sum(audits.map(({ capturedAmount }) => minorUnits(capturedAmount)))),
        refunded_minor_units: Number(sum(payments.map(refundedThroughGateway))),
        refunded_by_gateway: Number(sum(audits.map(({ refundedAmount }) => minorUnits(refundedAmount)))),
      },
      violations: payments.flatMap((payment) =>
        about(`payment ${payment.paymentId}`, gatewayViolations(payment)),
      ),
    };
  },
};

/** Refunds outside the gateway are not in the ledger of the gateway. */
function refundedThroughGateway({ refundedAmount, externallyRefundedAmount }: Payment): bigint {
  return minorUnits(refundedAmount) - minorUnits(externallyRefundedAmount);
}
