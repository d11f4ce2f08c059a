import { Counter, type Registry } from 'prom-client';
import type { OrderEvents } from './ports.js';

/** Business metrics of orders. Names and labels are API. */
export function orderMetrics(registry: Registry): OrderEvents {
  const created = new Counter({
    name: 'orders_created_total',
    help: 'Orders whose saga ended: confirmed (success) or rejected (failed).',
    labelNames: ['status'],
    registers: [registry],
  });
  created.inc({ status: 'success' }, 0);
  created.inc({ status: 'failed' }, 0);
  return {
    rested: ({ state }) => {
      if (state === 'CONFIRMED') created.inc({ status: 'success' });
      if (state === 'REJECTED') created.inc({ status: 'failed' });
    },
  };
}
