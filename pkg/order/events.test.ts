import { expect } from 'chai';
import { Registry } from 'prom-client';
import { orderEvents } from './events.js';
import { orderMetrics } from './metrics.js';
import { anOrder } from './testing/builders.js';

describe('orderEvents', () => {
  it('logs one line for a state change, with data in fields', () => {
    const lines: unknown[] = [];
    const log = { info: (...line: unknown[]) => void lines.push(line) };
    const events = orderEvents(log, orderMetrics(new Registry()));
    const order = anOrder({ state: 'REJECTED', rejection: { reason: 'OUT_OF_STOCK', skus: ['espresso'] } });
    events.changed(order);
    expect(lines).to.deep.equal([
      [
        {
          order_id: order.id,
          customer_id: 'ada',
          state: 'REJECTED',
          total_amount: 700n,
          currency: 'USD',
          rejection_reason: 'OUT_OF_STOCK',
        },
        'order changed',
      ],
    ]);
  });
});
