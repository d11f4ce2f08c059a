import { expect } from 'chai';
import { listOrders, timelineOf, waitForTerminalOrders } from '../../cmd/test-client/context/queries.js';
import { isTerminal } from '../../cmd/audit/checks/order-states.js';
import { orderRequest, tryPlaceOrder } from '../../cmd/test-client/context/actions.js';
import { aProduct } from './orders.js';
import { forTraces, needs, running } from './running.js';
import { eventuallyPasses, eventually } from './waiting.js';

/** Kills the order service during an order, and waits until the order is finished. */
async function interruptOrder(): Promise<{ readonly orderId: string; readonly traceIds: readonly string[] }> {
  const { context, dev } = running('system');
  if (!dev) throw new Error('this test did not start the services');
  const product = await aProduct();
  const customer = context.name('interrupted');
  const [client] = context.connections(1, { retry: false });
  const request = orderRequest(context, {
    customer: 'interrupted',
    items: [[product, 1]],
    paymentMethod: 'pm_slow',
  });
  const answer = tryPlaceOrder(context, request, client ? { client } : {});
  await eventually('order in progress', async () => {
    const orders = await listOrders(context, customer);
    return orders.some((order) => !isTerminal(order)) || undefined;
  });
  await dev.kill('order-service');
  expect((await answer).error, 'CreateOrder succeeded although the order service was killed').to.not.equal(
    undefined,
  );
  await dev.restarted('order-service');
  // A channel waits before it reconnects, so the first calls may fail.
  await eventuallyPasses(() => listOrders(context, customer));
  const [order] = await waitForTerminalOrders(context, [customer], 30_000);
  const orderId = order?.orderId ?? '';
  const timeline = await timelineOf(context, orderId);
  return { orderId, traceIds: [...new Set(timeline.map(({ traceId }) => traceId))] };
}

describe('An order that continues after the order service was killed', () => {
  needs(...forTraces);

  it('has a second trace that links to the first', async () => {
    const { orderId, traceIds } = await interruptOrder();
    expect(traceIds).to.have.length(2);
    const [first = '', second = ''] = traceIds;
    const recovery = await running('jaeger').wholeTrace(second, 'span of the recovery', ({ spans }) =>
      spans.some(({ name }) => name === 'order.recover'),
    );
    const span = recovery.spans.find(({ name }) => name === 'order.recover');
    expect(span?.parentId).to.equal(undefined);
    expect(span?.links.map(({ traceId }) => traceId)).to.include(first);
    expect(span?.attributes['order.id']).to.equal(orderId);
    const before = await running('jaeger').wholeTrace(
      first,
      'spans before the kill',
      ({ spans }) => spans.length > 0,
    );
    expect(before.spans.map(({ service }) => service)).to.include('inventory-service');
  });
});
