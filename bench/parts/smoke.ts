import { many, rate, ratio, type Part } from '../bench.js';

export const mainRatio = 'CreateOrder ÷ bare chain, 64 in flight';

/** The smallest run that shows the cost of an order. */
export const smoke: Part = {
  name: 'smoke',
  reference: (reference) => [reference.chain('chain 64', many)],
  cells: ({ system }) => [system.createCell('create 64', many)],
  figures: [
    ratio(mainRatio, 'create 64', 'chain 64'),
    ratio('CPU of an order ÷ CPU of a bare chain', 'create 64', 'chain 64', 'CPU'),
    rate('CreateOrder to CONFIRMED, 64 in flight', 'create 64'),
    rate('bare chain, 64 in flight', 'chain 64'),
  ],
};
