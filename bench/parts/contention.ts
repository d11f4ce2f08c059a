import { many, measured, rate, ratio, type Part } from '../bench.js';
import type { Cell } from '../cell.js';
import { createOrders } from '../load/requests.js';
import { skus, type System } from '../system.js';

const [hotSku = '', coldSku = '', ...others] = skus;

/** Measures 4 callers that alone buy one SKU, beside 150 callers that buy `busy`. */
function coldBeside(system: System, name: string, busy: readonly string[]): Cell {
  const cold = system.group('cold', createOrders({ skus: [coldSku] }), { inFlight: 4 });
  const crowd = system.group('crowd', createOrders({ skus: busy }), { inFlight: 150 });
  return { name, measure: async () => (await system.measure([cold, crowd])).sample };
}

export const contention: Part = {
  name: 'contention',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: ({ system }) => [
    system.createCell('hot', many, { skus: [hotSku] }),
    system.createCell('spread', many),
    coldBeside(system, 'cold beside hot', [hotSku]),
    coldBeside(system, 'cold beside others', others),
  ],
  figures: [
    ratio('orders of one hot SKU ÷ of 1,000 SKUs', 'hot', 'spread'),
    ratio(
      'p99 of a cold SKU, beside a hot SKU ÷ beside other SKUs',
      'cold beside hot',
      'cold beside others',
      'p99',
    ),
    rate('orders of one hot SKU, 64 in flight', 'hot'),
    rate('orders of 1,000 SKUs, 64 in flight', 'spread'),
    measured('p99 of a cold SKU beside 150 callers of one hot SKU', 'ms', 'cold beside hot', 'p99'),
    measured('p99 of a cold SKU beside 150 callers of other SKUs', 'ms', 'cold beside others', 'p99'),
  ],
};
