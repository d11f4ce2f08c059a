import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard } from './dashboard.js';
import { moneyRows } from './money-rows.js';
import { orderRows } from './order-rows.js';
import { stockRows } from './stock-rows.js';

export function business(): Dashboard {
  return dashboard({
    uid: 'business',
    title: 'Business Metrics',
    description: 'Orders, payments, stock and unfinished work.',
    rows: [...orderRows(), ...moneyRows(), ...stockRows()],
  });
}
