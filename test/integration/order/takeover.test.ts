import { expect } from 'chai';
import type { RemoteStep } from '../../../pkg/order/saga/plan.js';
import { Gate, inSequence, refusing } from '../../../pkg/order/testing/faults.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery } from '../../support/order/replica.js';

/** Terminal state of the order, by the step that hangs. */
const endStates: Readonly<Record<RemoteStep, 'CONFIRMED' | 'REJECTED' | 'CANCELLED'>> = {
  RESERVE_STOCK: 'CONFIRMED',
  AUTHORIZE_PAYMENT: 'CONFIRMED',
  COMMIT_STOCK: 'CONFIRMED',
  CAPTURE_PAYMENT: 'CONFIRMED',
  VOID_PAYMENT: 'REJECTED',
  RELEASE_STOCK: 'REJECTED',
  REFUND_PAYMENT: 'CANCELLED',
};
const moments = [
  { moment: 'before taking effect', hasEffect: false },
  { moment: 'after taking effect', hasEffect: true },
];

describe('an instance whose call of a step hangs while another instance finishes the order', () => {
  const fixture = useOrders();

  for (const [step, endState] of Object.entries(endStates) as [RemoteStep, string][])
    for (const { moment, hasEffect } of moments)
      it(`does not change the order when its call of ${step}, which hung ${moment}, returns`, async () => {
        const gate = new Gate();
        fixture.ports.faults.set(step, inSequence(hasEffect ? gate.afterEffect : gate.beforeEffect()));
        if (endState === 'REJECTED')
          fixture.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
        const { id } = await (endState === 'CANCELLED' ? fixture.create() : fixture.accept());
        if (endState === 'CANCELLED') await fixture.cancel(id, fixture.orders, callOptions(1));
        await gate.reached;

        await fixture.stopHeartbeats();
        const successor = await fixture.start(fastRecovery);
        const timeline = await fixture.finishedTimeline(id, successor.orders);
        expect(timeline.at(-1)).to.contain(endState);

        gate.open();
        const isSuperseded = () =>
          fixture.replica.logs.some((line) => line.includes('order is driven elsewhere'));
        await waitFor(isSuperseded, 'end of the superseded saga');
        expect(await fixture.finishedTimeline(id)).to.deep.equal(timeline);
        expect(fixture.ports.stepsOf(id).filter((called) => called === step)).to.have.lengthOf(2);
      });
});
