import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';

/** The row that a version with a fulfillment service stores for a cancellation after the fulfillment has begun. */
const stopFulfillment = sql(
  'test.order_stop_fulfillment',
  `with updated as (
     update orders set step = 'STOP_FULFILLMENT', driver = $driver, revision = revision + 1 where id = $id
     returning id, revision
   )
   insert into order_timeline
   select id, revision, 'CONFIRMED', 'CONFIRMED', 'STOP_FULFILLMENT', 'IN_DOUBT', 1, now(), '', '' from updated`,
);
const readStep = sql('test.order_step', 'select state, step, driver from orders where id = $id');

describe('a CONFIRMED order with the step STOP_FULFILLMENT of a later version', () => {
  const fixture = useOrders(fastRecovery);

  for (const [name, driver] of [
    ['a driver of the later version', uuidv7()],
    ['no driver', null],
  ] as const)
    it(`with ${name} is stored, read and listed, and not driven`, async () => {
      const { id } = await fixture.create();
      await fixture.database.db.query(stopFulfillment({ id, driver }));

      await fixture.claimRound([fixture.replica]);

      const stored = { state: 'CONFIRMED', step: 'STOP_FULFILLMENT', driver };
      expect(await fixture.database.db.query(readStep({ id }))).to.deep.equal([stored]);
      expect(await fixture.orders.getOrder(id, '')).to.include({ state: 'CONFIRMED', revision: 7 });
      expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('STOP_FULFILLMENT in doubt');
    });

  it('keeps its state when it is cancelled again', async () => {
    const { id } = await fixture.create();
    await fixture.database.db.query(stopFulfillment({ id, driver: null }));

    const order = await fixture.cancel(id);

    expect(order).to.include({ state: 'CONFIRMED', step: 'STOP_FULFILLMENT', revision: 7 });
    expect(fixture.ports.stepsOf(id)).not.to.include('REFUND_PAYMENT');
  });
});
