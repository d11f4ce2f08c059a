import { minorUnits } from '../../audit/checks/amounts.js';
import { amountViolations } from '../../audit/checks/payment.js';
import { about, type Invariant } from './invariant.js';

export const refundsWithinCaptures: Invariant = {
  number: 4,
  title: 'Refunds do not exceed the captured amount, and captures do not exceed the authorized amount',
  check({ examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    return {
      figures: {
        payments: payments.length,
        captured: payments.filter(({ capturedAmount }) => minorUnits(capturedAmount) > 0n).length,
        refunded: payments.filter(({ refundedAmount }) => minorUnits(refundedAmount) > 0n).length,
      },
      violations: payments.flatMap((payment) =>
        about(`payment ${payment.paymentId}`, amountViolations(payment)),
      ),
    };
  },
};
