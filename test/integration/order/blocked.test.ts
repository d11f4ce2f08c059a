import { expect } from 'chai';
import { countBlocked } from '../../../pkg/order/metrics-queries.js';
import { refusing } from '../../../pkg/order/testing/faults.js';
import { confirmedTimeline, summarize } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';

const readDrive = sql(
  'test.order_drive',
  'select driver, next_attempt_at, blocked_reason, blocked_since <= now() as is_past from orders where id = $id',
);
const finishUnaware = sql(
  'test.order_finish_unaware',
  `update orders set state = 'CANCELLED', step = 'CANCEL' where id = $id`,
);

describe('an order whose compensation is refused for good', () => {
  const fixture = useOrders(fastRecovery);
  const refusal = refusing({ reason: 'STEP_REFUSED' }, 'REFUND_DECLINED');

  const timelineOf = async (id: string): Promise<string[]> =>
    summarize(await fixture.orders.getTimeline(id, ''));

  it('stays CANCELLING with the reason, and its cancellation returns at once', async () => {
    const { id } = await fixture.create();
    fixture.ports.faults.set('REFUND_PAYMENT', refusal);

    const order = await fixture.cancel(id);

    expect(order).to.include({ state: 'CANCELLING', step: 'REFUND_PAYMENT' });
    expect(order.block).to.include({ reason: 'REFUND_DECLINED' });
    expect(await timelineOf(id)).to.deep.equal([
      ...confirmedTimeline,
      'REQUEST_CANCELLATION → CANCELLING',
      'REFUND_PAYMENT refused',
    ]);
    expect(await fixture.database.db.query(readDrive({ id }))).to.deep.equal([
      { driver: null, next_attempt_at: null, blocked_reason: 'REFUND_DECLINED', is_past: true },
    ]);
    const repeated = await fixture.cancel(id);
    expect(repeated).to.include({ state: 'CANCELLING', revision: order.revision });
  });

  for (const step of ['VOID_PAYMENT', 'RELEASE_STOCK'] as const)
    it(`goes from PENDING to CANCELLING when ${step} is refused`, async () => {
      fixture.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
      fixture.ports.faults.set(step, refusing({ reason: 'STEP_REFUSED' }, 'VALIDATION_FAILED'));

      const order = await fixture.create();

      expect(order).to.include({ state: 'CANCELLING', step, rejection: undefined });
      expect(order.block).to.include({ reason: 'VALIDATION_FAILED' });
      expect((await timelineOf(order.id)).at(-1)).to.equal(`${step} refused → CANCELLING`);
    });

  it('is not attempted again by any replica', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', refusing({ reason: 'PAYMENT_DECLINED' }));
    fixture.ports.faults.set('RELEASE_STOCK', refusal);
    const { id } = await fixture.create();

    await fixture.claimRound([fixture.replica, await fixture.start()]);

    expect(fixture.ports.stepsOf(id).filter((step) => step === 'RELEASE_STOCK')).to.have.lengthOf(1);
  });

  it('is not blocked after an older version has stored it as CANCELLED', async () => {
    const { id } = await fixture.create();
    fixture.ports.faults.set('REFUND_PAYMENT', refusal);
    await fixture.cancel(id);

    await fixture.database.db.query(finishUnaware({ id }));

    expect(await fixture.orders.getOrder(id, '')).to.include({ state: 'CANCELLED', block: undefined });
    const blocked = await countBlocked(fixture.database.db);
    expect(blocked.map(({ step }) => step)).not.to.include('CANCEL');
  });

  it('is counted by step, and does not count for the age of unfinished orders', async () => {
    const { id } = await fixture.create();
    fixture.ports.faults.set('REFUND_PAYMENT', refusal);
    await fixture.cancel(id);

    const hasGauge = async (): Promise<boolean> =>
      /orders_blocked\{step="REFUND_PAYMENT"\} [1-9]/.test(await fixture.replica.metrics());
    await waitFor(hasGauge, 'gauge of blocked orders');
    expect(await fixture.replica.metrics()).to.contain('orders_oldest_unfinished_age_seconds 0');
  });
});
