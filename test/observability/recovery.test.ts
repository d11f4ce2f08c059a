import { expect } from 'chai';
import { listOrders, timelineOf } from '../../cmd/test-client/lookups.js';
import { isAtRest, ordersAtRest } from '../../cmd/test-client/rest.js';
import { orderRequest, tryPlace } from '../../cmd/test-client/shop.js';
import { aProduct } from './orders.js';
import { needs, running } from './verification.js';
import { becomesTrue, eventually } from './waiting.js';

/** Kills the order service while an order is under way, and waits until the order has come to rest. */
async function interruptOrder(): Promise<{ readonly orderId: string; readonly traceIds: readonly string[] }> {
  const { world, dev } = running('system');
  if (!dev) throw new Error('the services are not ours to kill');
  const product = await aProduct();
  const customer = world.name('interrupted');
  const [client] = world.connections(1, { retry: false });
  const request = orderRequest(world, {
    customer: 'interrupted',
    items: [[product, 1]],
    paymentMethod: 'pm_slow',
  });
  const answer = tryPlace(world, request, client ? { client } : {});
  await eventually('the order to be under way', async () => {
    const orders = await listOrders(world, customer);
    return orders.some((order) => !isAtRest(order)) || undefined;
  });
  await dev.kill('order-service');
  expect((await answer).error, 'the call was not broken').to.not.equal(undefined);
  await dev.restarted('order-service');
  // A channel that was refused while nobody listened waits a moment before it tries again.
  await becomesTrue(() => listOrders(world, customer));
  const [order] = await ordersAtRest(world, [customer], performance.now() + 30_000);
  const orderId = order?.orderId ?? '';
  const timeline = await timelineOf(world, orderId);
  return { orderId, traceIds: [...new Set(timeline.map(({ traceId }) => traceId))] };
}

describe('An order that went on after its service was killed', () => {
  needs('traces', 'processes');

  it('goes on in a second trace that leads to the first', async () => {
    const { orderId, traceIds } = await interruptOrder();
    expect(traceIds).to.have.length(2);
    const [first = '', second = ''] = traceIds;
    const recovery = await running('jaeger').wholeTrace(second, 'the recovery', ({ spans }) =>
      spans.some(({ name }) => name === 'order.recover'),
    );
    const span = recovery.spans.find(({ name }) => name === 'order.recover');
    expect(span?.parentId).to.equal(undefined);
    expect(span?.links.map(({ traceId }) => traceId)).to.include(first);
    expect(span?.attributes['order.id']).to.equal(orderId);
    const before = await running('jaeger').wholeTrace(
      first,
      'what came before',
      ({ spans }) => spans.length > 0,
    );
    expect(before.spans.map(({ service }) => service)).to.include('inventory-service');
  });
});
