import { expect } from 'chai';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { Gate, type Fault } from '../../../pkg/order/testing/faults.js';
import { forwardSteps } from '../../../pkg/order/testing/timeline.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { forkReplica, type ReplicaProcess } from '../../support/order/fork-replica.js';

const orderCount = 40;

describe('a replica that is killed while it drives many orders', () => {
  const fixture = useOrders();

  let victim: ReplicaProcess | undefined;
  afterEach(() => victim?.kill());

  it('loses no order: another replica finishes each order without a second effect', async () => {
    const settings = { HEARTBEAT_INTERVAL: '50ms', HEARTBEAT_TIMEOUT: '500ms' };
    victim = await forkReplica(fixture.database.url, fixture.ports, settings);
    const gate = new Gate();
    const requests = Array.from({ length: orderCount }, () => anOrderRequest());
    // In each group of ten orders, every one of the four forward steps blocks two orders: one before the step takes effect
    // and one afterwards. The remaining two orders finish.
    const blockedIds = new Set<string>();
    const blockAtStep =
      (stepIndex: number): Fault =>
      async (order, options, effect) => {
        const position = requests.findIndex(({ requestId }) => requestId === order.requestId) % 10;
        if (position >= 8 || position % 4 !== stepIndex || blockedIds.has(order.id)) return undefined;
        blockedIds.add(order.id);
        return (position < 4 ? gate.beforeEffect() : gate.afterEffect)(order, options, effect);
      };
    for (const [index, step] of forwardSteps.entries()) fixture.ports.faults.set(step, blockAtStep(index));

    for (const request of requests) victim.create(request);
    await waitFor(() => blockedIds.size === (orderCount / 10) * 8, 'blocked orders');
    await victim.kill();
    const successor = await fixture.start(settings);

    const orders = await Promise.all(
      requests.map((request) =>
        successor.orders.createOrder(request, { deadline: Infinity, signal: new AbortController().signal }),
      ),
    );
    expect(orders.map(({ state }) => state)).to.deep.equal(Array(orderCount).fill('CONFIRMED'));
    // The calls of the killed process now continue in the fake services.
    gate.open();
    for (const { id } of orders) {
      const timeline = await fixture.finishedTimeline(id, successor.orders);
      expect(timeline.filter((line) => line.startsWith('CAPTURE_PAYMENT'))).to.have.lengthOf(1);
    }
  });
});
