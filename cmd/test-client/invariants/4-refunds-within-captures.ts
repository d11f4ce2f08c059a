import type { Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { minorOf } from '../amounts.js';
import { violated, type Invariant } from './invariant.js';

export const refundsWithinCaptures: Invariant = {
  number: 4,
  title: 'Refunds are at most what was captured, captures at most what was authorized',
  check({ examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    return {
      figures: {
        payments: payments.length,
        captured: payments.filter(({ capturedAmount }) => minorOf(capturedAmount) > 0n).length,
        refunded: payments.filter(({ refundedAmount }) => minorOf(refundedAmount) > 0n).length,
      },
      violations: payments.flatMap(broken),
    };
  },
};

function broken({ paymentId, authorizedAmount, capturedAmount, refundedAmount }: Payment): string[] {
  const authorized = minorOf(authorizedAmount);
  const captured = minorOf(capturedAmount);
  const refunded = minorOf(refundedAmount);
  return violated(`payment ${paymentId}`, {
    [`refunded ${refunded} of captured ${captured}`]: refunded > captured,
    [`captured ${captured} of authorized ${authorized}`]: captured > authorized,
    'an amount is negative': refunded < 0n || captured < 0n || authorized < 0n,
  });
}
