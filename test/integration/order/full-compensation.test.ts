import { expect } from 'chai';
import type { Rejection } from '../../../pkg/order/domain.js';
import type { RemoteStep } from '../../../pkg/order/saga/plan.js';
import { aRefusal } from '../../../pkg/order/testing/builders.js';
import { Gate, inSequence, losingAnswer } from '../../../pkg/order/testing/faults.js';
import { forwardSteps } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';

const reuse: Rejection = { reason: 'STEP_REFUSED' };
const refusals: readonly { readonly name: string; readonly rejection: Rejection; readonly detail: string }[] =
  [
    { name: 'another fingerprint', rejection: reuse, detail: 'REQUEST_ID_REUSED' },
    { name: 'another validation', rejection: reuse, detail: 'VALIDATION_FAILED' },
    { name: 'lost stock', rejection: { reason: 'OUT_OF_STOCK' }, detail: 'OUT_OF_STOCK' },
    { name: 'a lost authorization', rejection: { reason: 'PAYMENT_DECLINED' }, detail: 'CARD_EXPIRED' },
  ];

/** Any earlier step may be the stored step of an order whose driver died. */
const abandonAt = sql(
  'test.order_abandon_at',
  'update orders set step = $step, driver = null where id = $id',
);

describe('an order whose step is refused after later steps took effect', () => {
  const fixture = useOrders();

  for (const { name, rejection, detail } of refusals)
    for (const step of forwardSteps)
      it(`is refunded and REJECTED when ${step} is refused because of ${name} after a crash`, async () => {
        const { ports } = fixture;
        const gate = new Gate();
        ports.faults.set('CAPTURE_PAYMENT', inSequence(gate.afterEffect));
        const { id } = await fixture.accept();
        await gate.reached;
        // The fake services would answer that the step is already done, so the test replaces this answer with a
        // refusal.
        const call = ports.call.bind(ports);
        ports.call = async (called, order, options) =>
          called === step ? aRefusal(rejection, detail) : call(called, order, options);

        await fixture.database.db.query(abandonAt({ id, step }));
        const successor = await fixture.start(fastRecovery);
        const timeline = await fixture.finishedTimeline(id, successor.orders);
        gate.open();

        expect(timeline.slice(-5)).to.deep.equal([
          `${step} refused`,
          'VOID_PAYMENT refused',
          'REFUND_PAYMENT',
          'RELEASE_STOCK',
          'REJECT → REJECTED',
        ]);
        expect(await successor.orders.getOrder(id, '')).to.deep.include({ rejection });
      });

  const stepsWithShortCompensation: readonly RemoteStep[] = ['RESERVE_STOCK', 'AUTHORIZE_PAYMENT'];
  for (const step of stepsWithShortCompensation)
    it(`is fully compensated when ${step} is refused after an attempt in doubt that took effect`, async () => {
      const rejection: Rejection = { reason: step === 'RESERVE_STOCK' ? 'OUT_OF_STOCK' : 'PAYMENT_DECLINED' };
      const { ports } = fixture;
      const lost = inSequence(losingAnswer(new Error('lost')));
      const call = ports.call.bind(ports);
      let attempts = 0;
      ports.call = async (called, order, options) => {
        if (called === step) attempts += 1;
        return called === step && attempts === 2 ? aRefusal(rejection) : call(called, order, options);
      };
      ports.faults.set(step, lost);

      const order = await fixture.create();

      expect(order).to.deep.include({ state: 'REJECTED', rejection });
      expect((await fixture.finishedTimeline(order.id)).slice(-4)).to.deep.equal([
        `${step} refused #2`,
        'VOID_PAYMENT',
        'RELEASE_STOCK',
        'REJECT → REJECTED',
      ]);
    });
});
