import { many, measured, peak, rate, ratio, type Part } from '../bench.js';
import type { Cell } from '../cell.js';
import type { Arrival } from '../load/load-run.js';

const percentages = [25, 50, 75];

/** Two cells of closed loops, and cells of open loops at percentages of the higher of their last rates. */
function loadCurve(cell: (name: string, arrival: () => Arrival) => Cell, name: string, shares = percentages) {
  const rates = [0, 0];
  const closed = [cell(`${name} 64`, many), cell(`${name} 256`, peak)].map((each, index) => ({
    name: each.name,
    measure: async () => {
      const sample = await each.measure();
      rates[index] = sample['rate'] ?? 0;
      return sample;
    },
  }));
  const open = shares.map((share) =>
    cell(`${name} at ${share} %`, () => ({ perSecond: (Math.max(...rates) * share) / 100 })),
  );
  return [...closed, ...open];
}

export const latency: Part = {
  name: 'latency',
  reference: (reference) => loadCurve((name, arrival) => reference.chain(name, arrival), 'chain', [50]),
  cells: ({ system }) => loadCurve((name, arrival) => system.createCell(name, arrival), 'create'),
  figures: [
    ratio(
      'p99 at half the peak ÷ p99 of the bare chain at half its peak',
      'create at 50 %',
      'chain at 50 %',
      'p99',
    ),
    rate('orders, 64 in flight', 'create 64'),
    rate('orders, 256 in flight', 'create 256'),
    ...percentages.flatMap((share) => [
      rate(`orders at ${share} % of the peak, open loop`, `create at ${share} %`),
      measured(`p50 at ${share} % of the peak`, 'ms', `create at ${share} %`, 'p50'),
      measured(`p99 at ${share} % of the peak`, 'ms', `create at ${share} %`, 'p99'),
      measured(`CPU per order at ${share} % of the peak`, 'ms', `create at ${share} %`, 'CPU'),
      measured(`items per batch at ${share} % of the peak`, '', `create at ${share} %`, 'batch size'),
    ]),
    rate('bare chain, 64 in flight', 'chain 64'),
    rate('bare chain, 256 in flight', 'chain 256'),
    measured('p99 of the bare chain at 50 % of its peak', 'ms', 'chain at 50 %', 'p99'),
  ],
};
