import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey, type Book } from '../book.js';
import { paymentsOf, reservationOf, stockOf, timelineOf } from '../lookups.js';
import { inParallel, sample } from '../parallel.js';
import { ordersAtRest } from '../rest.js';
import type { World } from '../world.js';
import { restLimitMs } from './6-orders-come-to-rest.js';
import type { Effects, Facts, OrderFacts } from './facts.js';
import { replay } from './replay.js';

/** Most orders that are looked at in every service; of more, as many evenly spaced ones. */
const examinedAtMost = 1000;
const parallelOrders = 16;

/** Waits until everything rests, repeats some requests and asks every service about what the run did. */
export async function gatherFacts(world: World, onProgress: (message: string) => void): Promise<Facts> {
  const { book } = world;
  onProgress('waiting until every order rests');
  const { orders: settled, restedAfterMs } = await settle(world);
  const before = await effectsOn(world, settled);
  onProgress('sending requests again');
  const replays = await replay(world, settled);
  const { orders } = await settle(world);
  const after = await effectsOn(world, orders);
  onProgress('asking every service about every order');
  return {
    orders,
    restedAfterMs,
    replays,
    effects: { before, after },
    stock: await stockFacts(world),
    examined: await inParallel(sample(orders, examinedAtMost), parallelOrders, (order) =>
      examine(world, order),
    ),
    sightings: book.sightings,
    cancelled: book.cancelled,
    requests: new Set([...book.requests.values()].map(requestKey)),
  };
}

async function settle(world: World): Promise<Pick<Facts, 'orders' | 'restedAfterMs'>> {
  const started = performance.now();
  const orders = await ordersAtRest(world, world.book.customers, started + restLimitMs);
  return { orders, restedAfterMs: performance.now() - started };
}

async function effectsOn(world: World, orders: readonly Order[]): Promise<Effects> {
  const levels = await stockOf(world, [...delivered(world.book).keys()]);
  return { orders: orders.length, onHand: levels.reduce((total, { onHand }) => total + onHand, 0n) };
}

async function stockFacts(world: World): Promise<Facts['stock']> {
  const units = delivered(world.book);
  const levels = await stockOf(world, [...units.keys()]);
  return levels.map((level) => ({ level, delivered: units.get(level.sku) ?? 0n }));
}

function delivered(book: Book): Map<string, bigint> {
  const units = new Map<string, bigint>();
  for (const stocking of book.stockings)
    units.set(stocking.sku, (units.get(stocking.sku) ?? 0n) + stocking.units);
  return units;
}

async function examine(world: World, order: Order): Promise<OrderFacts> {
  const [payments, timeline, reservation] = await Promise.all([
    paymentsOf(world, order),
    timelineOf(world, order.orderId),
    reservationOf(world, order),
  ]);
  return { order, payments, timeline, reservation };
}
