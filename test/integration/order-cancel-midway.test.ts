import { expect } from 'chai';
import type { RemoteStep } from '../../pkg/order/saga-plan.js';
import { Gate, inTurn, refusing } from '../../pkg/order/testing/faults.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';

/** How a pending order comes to each step. */
const ways: readonly (readonly [RemoteStep, 'forward' | 'backward'])[] = [
  ['RESERVE_STOCK', 'forward'],
  ['AUTHORIZE_PAYMENT', 'forward'],
  ['COMMIT_STOCK', 'forward'],
  ['CAPTURE_PAYMENT', 'forward'],
  ['VOID_PAYMENT', 'backward'],
  ['RELEASE_STOCK', 'backward'],
];

describe('a pending order', () => {
  const bench = useOrders();

  for (const [step, way] of ways)
    for (const where of ['by the replica that drives it', 'by another replica'])
      for (const point of ['before the effect', 'before the answer'])
        it(`can be cancelled ${where} while ${step} is under way, ${point}`, async () => {
          const gate = new Gate();
          bench.ports.faults.set(step, inTurn(point === 'before the effect' ? gate.before() : gate.answer));
          if (way === 'backward')
            bench.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
          const { id } = await bench.accept();
          await gate.reached;
          const { orders } = where.includes('another') ? await bench.start() : bench;

          const order = await bench.cancel(id, orders);

          expect(order).to.include({ state: 'CANCELLED', rejection: undefined });
          const story = await bench.storyOf(id);
          const compensation = story.slice(story.indexOf('REQUEST_CANCELLATION → CANCELLING') + 1);
          const isCaptured = step === 'CAPTURE_PAYMENT' && point === 'before the answer';
          expect(compensation).to.deep.equal([
            ...(isCaptured ? ['VOID_PAYMENT refused', 'REFUND_PAYMENT'] : ['VOID_PAYMENT']),
            'RELEASE_STOCK',
            'CANCEL → CANCELLED',
          ]);

          gate.open();
          const isOver = () => bench.replica.logs.some((line) => line.includes('order is driven elsewhere'));
          await waitFor(isOver, 'the former saga to notice');
          expect(await bench.storyOf(id)).to.deep.equal(story);
        });
});
