import type { Row } from './dashboard.js';
import { above, below } from './limits.js';
import { bars, graph } from './panel.js';
import { now, over, rows } from './query.js';
import { table } from './table.js';

/** What can be sold, and what is held. */
export function stockRows(): Row[] {
  return [stock(), reservations()];
}

function stock(): Row {
  return {
    title: 'Stock',
    panels: [
      graph({
        title: 'Stock, the 20 scarcest products',
        description: 'Units that can still be sold. A line that falls to 0 loses orders.',
        unit: 'short',
        width: 14,
        queries: [over('bottomk(20, max by (product) (current_stock))', '{{product}}')],
      }),
      table({
        title: 'Low stock',
        description: 'The 20 scarcest products now. Red: sold out. Orange: fewer than 10.',
        unit: 'short',
        width: 10,
        labels: ['product'],
        columns: [{ name: 'available', unit: 'short', limits: above(1, 10) }],
        queries: [rows('sort(bottomk(20, max by (product) (current_stock)))', 'available')],
      }).height(8),
    ],
  };
}

function reservations(): Row {
  return {
    title: 'Reservations',
    panels: [
      bars({
        title: 'Reservations by state',
        description: 'All reservations there are. RESERVED hold stock: about as many as orders under way.',
        unit: 'short',
        width: 7,
        queries: [now('max by (state) (inventory_reservations_by_state)', '{{state}}')],
      }),
      graph({
        title: 'Reservation lines',
        description: 'Lines of reservations per minute, by what became of them.',
        unit: 'cpm',
        width: 7,
        queries: [
          over('sum by (status) (rate(inventory_reservations_total[$__rate_interval])) * 60', '{{status}}'),
        ],
      }),
      graph({
        title: 'Overdue reservations',
        description: 'Past their expiry and still holding stock: the sweeper is behind. Normal: 0.',
        unit: 'none',
        width: 5,
        limits: below(1, 10),
        queries: [over('max(inventory_reservations_overdue)', 'overdue')],
      }),
      graph({
        title: 'Oldest reservation',
        description: 'Age of the oldest reservation that holds stock. Normal: below their time to live.',
        unit: 's',
        width: 5,
        queries: [over('max(inventory_oldest_reservation_age_seconds)', 'age')],
      }),
    ],
  };
}
