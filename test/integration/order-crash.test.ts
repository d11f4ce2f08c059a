import { expect } from 'chai';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import { Gate, type Fault } from '../../pkg/order/testing/faults.js';
import type { RemoteStep } from '../../pkg/order/saga-plan.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { forkReplica, type ReplicaProcess } from './order-child-process.js';

const steps: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
];
const batch = 40;

describe('a replica that is killed in the middle of a batch', () => {
  const bench = useOrders();

  let doomed: ReplicaProcess | undefined;
  afterEach(() => doomed?.kill());

  it('leaves every order to the others, who bring it to its end without doing anything twice', async () => {
    const settings = { HEARTBEAT_INTERVAL: '50ms', HEARTBEAT_TIMEOUT: '500ms' };
    doomed = await forkReplica(bench.database.url, bench.ports, settings);
    const gate = new Gate();
    const requests = Array.from({ length: batch }, () => anOrderRequest());
    // Some orders are stopped in each step, before or after its effect; the last ones are done.
    const stopped = new Set<string>();
    const stop =
      (index: number): Fault =>
      async (order, bounds, effect) => {
        const turn = requests.findIndex(({ requestId }) => requestId === order.requestId) % 10;
        if (turn >= 8 || turn % 4 !== index || stopped.has(order.id)) return undefined;
        stopped.add(order.id);
        return (turn < 4 ? gate.before() : gate.answer)(order, bounds, effect);
      };
    for (const [index, step] of steps.entries()) bench.ports.faults.set(step, stop(index));

    for (const request of requests) doomed.place(request);
    await waitFor(() => stopped.size === (batch / 10) * 8, 'the orders to be stopped');
    await doomed.kill();
    const successor = await bench.start(settings);

    const orders = await Promise.all(
      requests.map((request) =>
        successor.orders.createOrder(request, { deadline: Infinity, signal: new AbortController().signal }),
      ),
    );
    expect(orders.map(({ state }) => state)).to.deep.equal(Array(batch).fill('CONFIRMED'));
    // What was on its way when the process died arrives after all.
    gate.open();
    for (const { id } of orders) {
      const story = await bench.storyOf(id, successor.orders);
      expect(story.filter((line) => line.startsWith('CAPTURE_PAYMENT'))).to.have.lengthOf(1);
    }
  });
});
