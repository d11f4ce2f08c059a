import { expect } from 'chai';
import type { RemoteStep } from '../../../pkg/order/saga/plan.js';
import { Gate, inSequence, refusing } from '../../../pkg/order/testing/faults.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';

const steps: readonly { readonly step: RemoteStep; readonly isCompensation?: true }[] = [
  { step: 'RESERVE_STOCK' },
  { step: 'AUTHORIZE_PAYMENT' },
  { step: 'COMMIT_STOCK' },
  { step: 'CAPTURE_PAYMENT' },
  { step: 'VOID_PAYMENT', isCompensation: true },
  { step: 'RELEASE_STOCK', isCompensation: true },
];
const replicas = [
  { replica: 'the replica that drives the order', isOther: false },
  { replica: 'another replica', isOther: true },
];
const moments = [
  { moment: 'before taking effect', hasEffect: false },
  { moment: 'after taking effect', hasEffect: true },
];

describe('a pending order', () => {
  const fixture = useOrders();

  for (const { step, isCompensation } of steps)
    for (const { replica, isOther } of replicas)
      for (const { moment, hasEffect } of moments)
        it(`can be cancelled on ${replica} while the call of ${step} hangs ${moment}`, async () => {
          const gate = new Gate();
          fixture.ports.faults.set(step, inSequence(hasEffect ? gate.afterEffect : gate.beforeEffect()));
          if (isCompensation)
            fixture.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
          const { id } = await fixture.accept();
          await gate.reached;
          const { orders } = isOther ? await fixture.start() : fixture;

          const order = await fixture.cancel(id, orders);

          expect(order).to.include({ state: 'CANCELLED', rejection: undefined });
          const timeline = await fixture.finishedTimeline(id);
          const compensation = timeline.slice(timeline.indexOf('REQUEST_CANCELLATION → CANCELLING') + 1);
          const isCaptured = step === 'CAPTURE_PAYMENT' && hasEffect;
          expect(compensation).to.deep.equal([
            ...(isCaptured ? ['VOID_PAYMENT refused', 'REFUND_PAYMENT'] : ['VOID_PAYMENT']),
            'RELEASE_STOCK',
            'CANCEL → CANCELLED',
          ]);

          gate.open();
          const isSuperseded = () =>
            fixture.replica.logs.some((line) => line.includes('order is driven elsewhere'));
          await waitFor(isSuperseded, 'end of the superseded saga');
          expect(await fixture.finishedTimeline(id)).to.deep.equal(timeline);
        });
});
