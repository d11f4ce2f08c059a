import { money } from '../../../pkg/money/index.js';
import { formatCounts, outcomeOf, countValues } from '../output/format.js';
import { terminalTimeoutMs } from '../../audit/checks/progress.js';
import { formatLatency, summarize } from '../output/latency.js';
import { stockOfOne, waitForTerminalOrders } from '../context/queries.js';
import { inParallel } from '../context/parallel.js';
import { placeOrderWithRetry } from '../context/retry.js';
import { orderRequest, stockProduct } from '../context/actions.js';
import type { Scenario } from './scenario.js';

const buyers = 200;
const units = 50;
const connections = 20;

export const lastUnits: Scenario = {
  number: 8,
  title: `${buyers} buyers race for the last ${units} units`,
  async run(context, recorder) {
    const tickets = await stockProduct(context, { slug: 'ticket', price: money('USD', 4900), units });
    const clients = context.connections(connections);
    const requests = Array.from({ length: buyers }, (_, index) =>
      orderRequest(context, { customer: `buyer-${index}`, items: [[tickets, 1]] }),
    );
    recorder.info(`${buyers} buyers order one ticket each at once, over ${connections} connections`);
    const results = await inParallel(requests, buyers, (request, index) => {
      const client = clients[index % connections];
      return placeOrderWithRetry(context, request, client ? { client } : {});
    });
    const outcomes = results.map((result) => (result.error ? result.error.reason : outcomeOf(result.value)));
    recorder.note(`responses: ${formatCounts(countValues(outcomes))}`);
    recorder.note(`latency: ${formatLatency(summarize(results.map(({ latencyMs }) => latencyMs)))}`);
    const retries = results.flatMap((result) => result.retries);
    if (retries.length > 0) recorder.note(`retries: ${formatCounts(countValues(retries))}`);
    for (const outcome of new Set(outcomes)) {
      const result = results[outcomes.indexOf(outcome)];
      if (result && !result.error) recorder.order('first order with this outcome', result);
    }
    // On a slow machine some responses contain an order that is not yet terminal.
    const customers = requests.map(({ customerId }) => customerId);
    const orders = await waitForTerminalOrders(context, customers, terminalTimeoutMs);
    recorder.check(
      `exactly ${units} orders are CONFIRMED, all other orders are REJECTED`,
      countValues(orders.map(outcomeOf)),
      {
        CONFIRMED: units,
        'REJECTED OUT_OF_STOCK': buyers - units,
      },
    );
    const { onHand, reserved, available } = await stockOfOne(context, tickets.sku);
    recorder.check(
      'the stock is sold out and no unit is reserved',
      { onHand, reserved, available },
      {
        onHand: 0n,
        reserved: 0n,
        available: 0n,
      },
    );
  },
};
