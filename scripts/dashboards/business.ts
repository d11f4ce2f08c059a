import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard } from './dashboard.js';
import { moneyRows } from './money-rows.js';
import { orderRows } from './order-rows.js';
import { stockRows } from './stock-rows.js';

export function business(): Dashboard {
  return dashboard({
    uid: 'business',
    title: 'Business Metrics',
    description: 'What customers ordered and paid, what is in stock, and what waits to be settled.',
    rows: [...orderRows(), ...moneyRows(), ...stockRows()],
  });
}
