import { many, measured, rate, type Part } from '../bench.js';
import { cancelOrders, refundOrders } from '../load/requests.js';
import { emptySku } from '../system.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';

const expects = OrderState.REJECTED;
const paymentMethod = 'pm_decline_insufficient_funds';
const names = [
  ['orders confirmed', 'create'],
  ['partial refunds', 'refund'],
  ['cancellations of confirmed orders', 'cancel'],
  ['orders rejected, payment declined', 'declined'],
  ['orders rejected, out of stock', 'out of stock'],
] as const;

export const outcomes: Part = {
  name: 'outcomes',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: ({ system }) => [
    system.createCell('create', many),
    system.cell('refund', () => refundOrders(system.orders), many),
    system.cell('cancel', () => cancelOrders(system.takeOrders()), many),
    system.createCell('declined', many, { paymentMethod, expects }),
    system.createCell('out of stock', many, { skus: [emptySku], expects }),
  ],
  figures: [
    ...names.map(([name, cell]) => rate(name, cell)),
    ...names.map(([name, cell]) => measured(`CPU, ${name}`, 'ms', cell, 'CPU')),
    rate('bare chain, 64 in flight', 'chain 64'),
  ],
};
