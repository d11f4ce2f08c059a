import { many, measured, one, peak, rate, ratio, type Part, type Round } from '../bench.js';
import { getOrders, getStock } from '../load/requests.js';
import { skus } from '../system.js';

const mebibyte = 2 ** 20;
const services = ['order', 'inventory', 'payment', 'catalog'];

export const core: Part = {
  name: 'core',
  reference: async (reference) => [
    reference.chain('chain 1', one),
    reference.chain('chain 64', many),
    reference.chain('chain 256', peak),
    reference.echo('echo 64', many),
    reference.echo('echo 256', peak),
    ...(await reference.withoutServices({ floor: 'floor', gateway: 'gateway' })),
  ],
  cells: ({ system }) => [
    system.createCell('create 1', one),
    system.createCell('create 64', many),
    system.createCell('create 256', peak),
    system.cell('get 64', () => getOrders(system.orders), many),
    system.cell('get 256', () => getOrders(system.orders), peak),
    system.cell('stock 64', () => getStock(skus), many),
    system.cell('stock 256', () => getStock(skus), peak),
  ],
  figures: [
    ratio('CreateOrder ÷ bare chain, 64 in flight', 'create 64', 'chain 64'),
    ratio('CreateOrder ÷ bare chain, 256 in flight', 'create 256', 'chain 256'),
    ratio('CPU of an order ÷ CPU of a bare chain', 'create 64', 'chain 64', 'CPU'),
    ratio('GetOrder ÷ bare echo, 64 in flight', 'get 64', 'echo 64'),
    ratio('GetOrder ÷ bare echo, 256 in flight', 'get 256', 'echo 256'),
    ratio('GetStock ÷ bare echo, 64 in flight', 'stock 64', 'echo 64'),
    ratio('GetStock ÷ bare echo, 256 in flight', 'stock 256', 'echo 256'),
    ratio('CreateOrder, 256 in flight ÷ PostgreSQL floor', 'create 256', 'floor'),
    rate('CreateOrder to CONFIRMED, 64 in flight', 'create 64'),
    rate('CreateOrder to CONFIRMED, 256 in flight', 'create 256'),
    rate('GetOrder, 64 in flight', 'get 64'),
    rate('GetStock, 64 in flight', 'stock 64'),
    rate('bare chain, 64 in flight', 'chain 64'),
    rate('bare chain, 256 in flight', 'chain 256'),
    rate('bare echo, 64 in flight', 'echo 64'),
    rate('bare echo, 256 in flight', 'echo 256'),
    rate('PostgreSQL floor, orders', 'floor'),
    measured('CreateOrder alone, p50', 'ms', 'create 1', 'p50'),
    measured('bare chain alone, p50', 'ms', 'chain 1', 'p50'),
    measured('CreateOrder p99, 64 in flight', 'ms', 'create 64', 'p99'),
    measured('bare chain p99, 64 in flight', 'ms', 'chain 64', 'p99'),
    measured('commits per order', '', 'create 64', 'commits'),
    measured('WAL fsyncs per order', '', 'create 64', 'fsyncs'),
    measured('WAL per order', 'bytes', 'create 64', 'WAL bytes'),
    measured('CPU per order, all processes', 'ms', 'create 64', 'CPU'),
    ...services.map((name) => measured(`CPU per order, ${labelOf(name)}`, 'ms', 'create 64', `CPU ${name}`)),
    measured('CPU per order, PostgreSQL', 'ms', 'create 64', 'CPU postgres'),
    measured('CPU per order, simulated gateway alone', 'ms', 'gateway', 'CPU'),
    {
      name: 'CPU per order without the simulated gateway',
      unit: 'ms',
      of: (round) => round('create 64', 'CPU') - round('gateway', 'CPU'),
    },
    measured('CPU per order, PostgreSQL floor', 'ms', 'floor', 'CPU'),
    measured('CPU per bare chain', 'ms', 'chain 64', 'CPU'),
    measured('CPU of the load process, orders', 'cores', 'create 64', 'load CPU'),
    measured('CPU of the load process, bare chain', 'cores', 'chain 64', 'load CPU'),
    ...services.map((name) => ({
      name: `memory of ${name}-service`,
      unit: 'MiB',
      of: (round: Round) => round('create 64', `memory ${name}`) / mebibyte,
    })),
  ],
};

function labelOf(name: string): string {
  return name === 'payment' ? 'payment-service with the simulated gateway' : `${name}-service`;
}
