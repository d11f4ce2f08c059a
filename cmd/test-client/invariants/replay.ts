import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey } from '../context/run-log.js';
import { outcomeOf } from '../output/format.js';
import { inParallel, sample } from '../context/parallel.js';
import { placeOrder } from '../context/retry.js';
import { deliveryRequest } from '../context/actions.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import type { Replay } from './facts.js';

const orderReplays = 50;
const stockReplays = 10;
const parallelReplays = 8;

/** Repeats a sample of the requests unchanged. */
export async function replay(context: ScenarioContext, orders: readonly Order[]): Promise<Replay[]> {
  return [
    ...(await inParallel(sample(orders, orderReplays), parallelReplays, (order) =>
      replayOrder(context, order),
    )),
    ...(await inParallel(sample(context.log.deliveries, stockReplays), parallelReplays, async (delivery) => {
      const { stock } = await context.clients.inventory.adjustStock(deliveryRequest(delivery));
      return {
        request: `AdjustStock ${delivery.requestId}`,
        first: `on_hand ${delivery.onHand}`,
        repeated: `on_hand ${stock?.onHand}`,
      };
    })),
  ];
}

async function replayOrder(context: ScenarioContext, order: Order): Promise<Replay> {
  const key = requestKey(order);
  const request = context.log.requests.get(key);
  if (!request) return { request: `CreateOrder ${key}`, first: 'no request', repeated: 'an order' };
  const repeated = await placeOrder(context, request);
  // A cancellation changes the outcome of an order, so the check compares only the content of a cancelled order.
  const describe = context.log.cancelled.has(order.orderId) ? orderContent : contentAndOutcome;
  return { request: `CreateOrder ${key}`, first: describe(order), repeated: describe(repeated.value) };
}

function orderContent({ orderId, customerId, lines, total }: Order): string {
  const items = lines.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ');
  return `${orderId} of ${customerId}: ${items}, ${total?.units}.${total?.nanos} ${total?.currencyCode}`;
}

function contentAndOutcome(order: Order): string {
  return `${orderContent(order)}, ${outcomeOf(order)}`;
}
