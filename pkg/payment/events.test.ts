import { expect } from 'chai';
import { Registry } from 'prom-client';
import { paymentEvents } from './events.js';
import { paymentMetrics } from './metrics.js';
import { paymentsByState } from './testing/builders.js';

describe('paymentEvents', () => {
  it('logs one line per change, with amounts in minor units', () => {
    const lines: unknown[] = [];
    const log = { info: (...line: unknown[]) => void lines.push(line) };
    const payment = paymentsByState.PARTIALLY_REFUNDED;
    const events = paymentEvents(log, paymentMetrics(new Registry()));
    events.changed({ change: 'REFUND', payment, amount: 400n });
    expect(lines).to.deep.equal([
      [
        {
          payment_id: payment.id,
          order_id: payment.charge?.orderId,
          change: 'REFUND',
          state: 'PARTIALLY_REFUNDED',
          amount: 400n,
          total_amount: 1000n,
          currency: 'USD',
          decline_code: undefined,
        },
        'payment changed',
      ],
    ]);
  });
});
