import { expect } from 'chai';
import { Registry } from 'prom-client';
import { paymentMetrics } from './metrics.js';
import { paymentsByState } from './testing/builders.js';

describe('payment metrics', () => {
  it('export every status and decline code from zero, and count each change', async () => {
    const registry = new Registry();
    const metrics = paymentMetrics(registry);
    metrics.count({ change: 'AUTHORIZE', payment: paymentsByState.AUTHORIZED, amount: 1000n });
    metrics.count({ change: 'REFUND', payment: paymentsByState.PARTIALLY_REFUNDED, amount: 400n });
    metrics.count({ change: 'REFUND', payment: paymentsByState.REFUNDED, amount: 600n });
    metrics.count({ change: 'DECLINE', payment: paymentsByState.DECLINED, amount: 0n });
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('payment'));
    expect(lines).to.have.members([
      'payments_processed_total{status="authorized"} 1',
      'payments_processed_total{status="declined"} 1',
      'payments_processed_total{status="expired"} 0',
      'payments_processed_total{status="captured"} 0',
      'payments_processed_total{status="capture_declined"} 0',
      'payments_processed_total{status="voided"} 0',
      'payments_processed_total{status="refunded"} 2',
      'payments_processed_total{status="externally_refunded"} 0',
      'payments_processed_total{status="refund_cancelled"} 0',
      'payment_declines_total{code="INSUFFICIENT_FUNDS"} 0',
      'payment_declines_total{code="CARD_EXPIRED"} 1',
      'payment_declines_total{code="SUSPECTED_FRAUD"} 0',
      'payment_declines_total{code="DO_NOT_HONOR"} 0',
      'payment_declines_total{code="INVALID_PAYMENT_METHOD"} 0',
      'payment_declines_total{code="ISSUER_UNAVAILABLE"} 0',
      'payments_amount_minor_units_total{currency="USD",status="authorized"} 1000',
      'payments_amount_minor_units_total{currency="USD",status="captured"} 0',
      'payments_amount_minor_units_total{currency="USD",status="voided"} 0',
      'payments_amount_minor_units_total{currency="USD",status="refunded"} 1000',
      'payments_amount_minor_units_total{currency="USD",status="externally_refunded"} 0',
    ]);
  });
});
