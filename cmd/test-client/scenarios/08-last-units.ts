import { money } from '../../../pkg/money/index.js';
import { describeTally, outcomeOf, tally } from '../describe.js';
import { restLimitMs } from '../invariants/6-orders-come-to-rest.js';
import { formatLatency, summarize } from '../latency.js';
import { stockOfOne } from '../lookups.js';
import { inParallel } from '../parallel.js';
import { placeForSure } from '../persist.js';
import { ordersAtRest } from '../rest.js';
import { orderRequest, stockProduct } from '../shop.js';
import type { Scenario } from './scenario.js';

const buyers = 200;
const units = 50;
const connections = 20;

export const lastUnits: Scenario = {
  number: 8,
  title: `${buyers} buyers race for the last ${units} units`,
  async play(world, story) {
    const tickets = await stockProduct(world, { slug: 'ticket', price: money('USD', 4900), units });
    const clients = world.connections(connections);
    const requests = Array.from({ length: buyers }, (_, index) =>
      orderRequest(world, { customer: `buyer-${index}`, items: [[tickets, 1]] }),
    );
    story.say(`${buyers} buyers order one ticket each at once, over ${connections} connections`);
    const answers = await inParallel(requests, buyers, (request, index) => {
      const client = clients[index % connections];
      return placeForSure(world, request, client ? { client } : {});
    });
    const outcomes = answers.map((answer) => (answer.error ? answer.error.reason : outcomeOf(answer.value)));
    story.note(`answers: ${describeTally(tally(outcomes))}`);
    story.note(`latency: ${formatLatency(summarize(answers.map(({ latencyMs }) => latencyMs)))}`);
    const repeats = answers.flatMap((answer) => answer.repeats);
    if (repeats.length > 0) story.note(`sent again after: ${describeTally(tally(repeats))}`);
    for (const outcome of new Set(outcomes)) {
      const one = answers[outcomes.indexOf(outcome)];
      if (one && !one.error) story.order('one of them', one);
    }
    // On a slow machine some answers come before the order rests.
    const customers = requests.map(({ customerId }) => customerId);
    const orders = await ordersAtRest(world, customers, performance.now() + restLimitMs);
    story.expect(`exactly ${units} are CONFIRMED, all others REJECTED`, tally(orders.map(outcomeOf)), {
      CONFIRMED: units,
      'REJECTED OUT_OF_STOCK': buyers - units,
    });
    const { onHand, reserved, available } = await stockOfOne(world, tickets.sku);
    story.expect(
      'nothing is left and nothing is claimed',
      { onHand, reserved, available },
      {
        onHand: 0n,
        reserved: 0n,
        available: 0n,
      },
    );
  },
};
