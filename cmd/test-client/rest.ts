import { OrderState, type Order } from '../../pkg/pb/order/v1/order.js';
import { pause } from '../../pkg/runtime/wait.js';
import { listOrders } from './lookups.js';
import { inParallel } from './parallel.js';
import type { World } from './world.js';

const pollMs = 100;
const parallelLists = 16;

export function isAtRest({ state }: Pick<Order, 'state'>): boolean {
  return state !== OrderState.PENDING && state !== OrderState.CANCELLING;
}

/**
 * Every order of the customers, as soon as all of them rest, or as they are when the time is up.
 * @param until `performance.now()` milliseconds
 */
export async function ordersAtRest(
  world: World,
  customers: readonly string[],
  until: number,
): Promise<Order[]> {
  const orders = new Map<string, Order[]>();
  let restless = [...customers];
  for (;;) {
    await inParallel(restless, parallelLists, async (customer) => {
      orders.set(customer, await listOrders(world, customer));
    });
    restless = restless.filter((customer) => !orders.get(customer)?.every(isAtRest));
    if (restless.length === 0 || performance.now() >= until) return [...orders.values()].flat();
    await pause(pollMs, world.signal);
    world.signal.throwIfAborted();
  }
}
