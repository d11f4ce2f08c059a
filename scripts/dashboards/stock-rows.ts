import type { Row } from './dashboard.js';
import { above, barGauge, below, graph } from './panel.js';
import { instantQuery, rangeQuery, tableQuery } from './query.js';
import { table } from './table.js';

/** Returns the rows of the available stock and of the reservations. */
export function stockRows(): Row[] {
  return [stock(), reservations()];
}

function stock(): Row {
  return {
    title: 'Stock',
    panels: [
      graph({
        title: 'Available stock, 20 lowest products',
        description:
          'Available units. Shows the 20 products with the fewest units, of the first 200 products in SKU order. Orders for ' +
          'a product with 0 units are rejected.',
        unit: 'short',
        width: 14,
        queries: [rangeQuery('bottomk(20, max by (product) (current_stock))', '{{product}}')],
      }),
      table({
        title: 'Low stock',
        description:
          'Available units. Shows the 20 products with the fewest units, of the first 200 products in SKU order. Red: out ' +
          'of stock. Orange: fewer than 10 units.',
        unit: 'short',
        width: 10,
        labels: ['product'],
        columns: [{ name: 'available', unit: 'short', thresholds: above(1, 10) }],
        queries: [tableQuery('sort(bottomk(20, max by (product) (current_stock)))', 'available')],
      }).height(8),
    ],
  };
}

function reservations(): Row {
  return {
    title: 'Reservations',
    panels: [
      barGauge({
        title: 'Reservations by state',
        description:
          'All stored reservations. A reservation in RESERVED reduces the available stock until the reservation expires. ' +
          'Normal: about as many reservations in RESERVED as unfinished orders.',
        unit: 'short',
        width: 7,
        queries: [instantQuery('max by (state) (inventory_reservations_by_state)', '{{state}}')],
      }),
      graph({
        title: 'Reservation lines',
        description: 'Reservation lines that changed their status, per minute.',
        unit: 'cpm',
        width: 7,
        queries: [
          rangeQuery(
            'sum by (status) (rate(inventory_reservations_total[$__rate_interval])) * 60',
            '{{status}}',
          ),
        ],
      }),
      graph({
        title: 'Overdue reservations',
        description:
          'Expired reservations that are still in RESERVED. They do not reduce the available stock. Normal: 0.',
        unit: 'none',
        width: 5,
        thresholds: below(1, 10),
        queries: [rangeQuery('max(inventory_reservations_overdue)', 'overdue')],
      }),
      graph({
        title: 'Oldest reservation',
        description:
          'Age of the oldest reservation in RESERVED. Normal: less than the time after which a reservation expires.',
        unit: 's',
        width: 5,
        queries: [rangeQuery('max(inventory_oldest_reservation_age_seconds)', 'age')],
      }),
    ],
  };
}
