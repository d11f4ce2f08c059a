import { expect } from 'chai';
import type { RemoteStep } from '../../pkg/order/saga-plan.js';
import { Gate, inTurn, refusing } from '../../pkg/order/testing/faults.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { patience, watchful } from './order-replica.js';

/** How an order comes to each step, and where it ends. */
const ways: Readonly<Record<RemoteStep, 'confirmed' | 'rejected' | 'cancelled'>> = {
  RESERVE_STOCK: 'confirmed',
  AUTHORIZE_PAYMENT: 'confirmed',
  COMMIT_STOCK: 'confirmed',
  CAPTURE_PAYMENT: 'confirmed',
  VOID_PAYMENT: 'rejected',
  RELEASE_STOCK: 'rejected',
  REFUND_PAYMENT: 'cancelled',
};

describe('an instance that pauses in a step while another carries on', () => {
  const bench = useOrders();

  for (const [step, way] of Object.entries(ways) as [RemoteStep, string][])
    for (const point of ['before the effect', 'before the answer'])
      it(`changes nothing when it wakes up: ${step}, ${point}`, async () => {
        const gate = new Gate();
        bench.ports.faults.set(step, inTurn(point === 'before the effect' ? gate.before() : gate.answer));
        if (way === 'rejected')
          bench.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
        const { id } = await (way === 'cancelled' ? bench.create() : bench.accept());
        if (way === 'cancelled') await bench.cancel(id, bench.orders, patience(1));
        await gate.reached;

        await bench.silence();
        const successor = await bench.start(watchful);
        const story = await bench.storyOf(id, successor.orders);
        expect(story.at(-1)).to.contain(way.toUpperCase());

        gate.open();
        const isFenced = () => bench.replica.logs.some((line) => line.includes('order is driven elsewhere'));
        await waitFor(isFenced, 'the first instance to notice');
        expect(await bench.storyOf(id)).to.deep.equal(story);
        expect(bench.ports.stepsOf(id).filter((called) => called === step)).to.have.lengthOf(2);
      });
});
