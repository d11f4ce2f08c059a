import { many, measured, rate, ratio, type Part } from '../bench.js';
import { getOrders } from '../load/requests.js';
import { storeOrders } from '../stored-orders.js';

const lines = [1, 5, 50];
const fewOrders = 1000;
/** The audit makes four calls for each stored order. */
const maxAuditedOrders = 10_000;

export const growth: Part = {
  name: 'growth',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: async ({ system, start, storedOrders }) => {
    const replicated = await start({ name: 'replicas', replicas: 2 });
    const few = await start({ name: 'few-orders' });
    const full = await start({ name: 'many-orders', isAudited: storedOrders <= maxAuditedOrders });
    await storeOrders(few, fewOrders);
    await storeOrders(full, storedOrders);
    return [
      ...lines.map((count) => system.createCell(`${count} lines`, many, { lines: count })),
      replicated.createCell('2 replicas', many),
      few.createCell('few', many),
      full.createCell('full', many),
      few.cell('get few', () => getOrders(few.orders), many),
      full.cell('get full', () => getOrders(full.orders), many),
    ];
  },
  figures: [
    ratio('orders of 5 lines ÷ of 1 line', '5 lines', '1 lines'),
    ratio('orders of 50 lines ÷ of 1 line', '50 lines', '1 lines'),
    ratio('orders with 2 replicas on the same cores ÷ 1 replica', '2 replicas', '1 lines'),
    ratio('orders beside --stored orders ÷ beside 1,000', 'full', 'few'),
    ratio('GetOrder beside --stored orders ÷ beside 1,000', 'get full', 'get few'),
    ratio('CPU per order beside --stored orders ÷ beside 1,000', 'full', 'few', 'CPU'),
    ...lines.map((count) => rate(`orders of ${count} lines`, `${count} lines`)),
    ...lines.map((count) => measured(`CPU per order of ${count} lines`, 'ms', `${count} lines`, 'CPU')),
    rate('orders with 2 replicas', '2 replicas'),
    measured('CPU per order, 2 replicas', 'ms', '2 replicas', 'CPU'),
    rate('orders beside 1,000 stored orders', 'few'),
    rate('orders beside --stored orders', 'full'),
  ],
};
