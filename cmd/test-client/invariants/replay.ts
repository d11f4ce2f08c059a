import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey } from '../book.js';
import { outcomeOf } from '../describe.js';
import { inParallel, sample } from '../parallel.js';
import { place } from '../persist.js';
import { stockingRequest } from '../shop.js';
import type { World } from '../world.js';
import type { Replay } from './facts.js';

const orderReplays = 50;
const stockReplays = 10;
const parallelReplays = 8;

/** Sends a sample of the run's requests again, word by word. */
export async function replay(world: World, orders: readonly Order[]): Promise<Replay[]> {
  return [
    ...(await inParallel(sample(orders, orderReplays), parallelReplays, (order) =>
      replayOrder(world, order),
    )),
    ...(await inParallel(sample(world.book.stockings, stockReplays), parallelReplays, async (stocking) => {
      const { stock } = await world.clients.inventory.adjustStock(stockingRequest(stocking));
      return {
        request: `AdjustStock ${stocking.requestId}`,
        first: `on_hand ${stocking.onHand}`,
        again: `on_hand ${stock?.onHand}`,
      };
    })),
  ];
}

async function replayOrder(world: World, order: Order): Promise<Replay> {
  const key = requestKey(order);
  const request = world.book.requests.get(key);
  if (!request) return { request: `CreateOrder ${key}`, first: 'never sent', again: 'an order' };
  const again = await place(world, request);
  // What became of an order on request is no part of the answer to its placing.
  const facts = world.book.cancelled.has(order.orderId) ? placedAs : placedAndEndedAs;
  return { request: `CreateOrder ${key}`, first: facts(order), again: facts(again.value) };
}

function placedAs({ orderId, customerId, lines, total }: Order): string {
  const items = lines.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ');
  return `${orderId} of ${customerId}: ${items}, ${total?.units}.${total?.nanos} ${total?.currencyCode}`;
}

function placedAndEndedAs(order: Order): string {
  return `${placedAs(order)}, ${outcomeOf(order)}`;
}
