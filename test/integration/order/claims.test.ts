import { expect } from 'chai';
import type { SagaStep } from '../../../pkg/order/domain.js';
import { Gate, inSequence, takingMs } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { pause, uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';
import { waitFor } from '../../support/wait-for.js';

const setDriver = sql(
  'test.order_set_driver',
  'update orders set driver = $driver where id = any($ids::uuid[])',
);
const setStep = sql('test.order_set_step', 'update orders set step = $step where id = any($ids::uuid[])');
const setCurrency = sql('test.order_set_currency', 'update orders set currency = $currency where id = $id');
const park = sql(
  'test.order_park',
  'update orders set driver = null, next_attempt_at = now() where id = any($ids::uuid[])',
);
const block = sql(
  'test.order_block',
  `update orders set state = 'CANCELLING', driver = null, blocked_reason = 'REFUND_DECLINED', blocked_since = now()
   where id = $id`,
);
const blockDriven = sql(
  'test.order_block_driven',
  `update orders set state = 'CANCELLING', blocked_reason = 'REFUND_DECLINED', blocked_since = now() where id = $id`,
);
const readDrivers = sql(
  'test.order_drivers',
  `select driver, step, failures, next_attempt_at > now() as "isLater" from orders where id = any($ids::uuid[])`,
);
interface DriverRow {
  readonly driver: string | null;
  readonly step: string;
  readonly failures: number;
  readonly isLater: boolean | null;
}

describe('claims', () => {
  const fixture = useOrders();
  const idsOf = (orders: readonly { id: string }[]): string[] => orders.map(({ id }) => id);
  const drivers = (ids: readonly string[]): Promise<DriverRow[]> =>
    fixture.database.db.query<DriverRow>(readDrivers({ ids }));

  it('continue without a pause while there are more orphans than slots', async () => {
    const orphans = await fixture.storeOrphans(150);
    // The next round after an interval would be 10 seconds later.
    const successor = await fixture.start({ ORDER_MAX_IN_FLIGHT: '32' });
    await waitFor(
      async () => (await drivers(idsOf(orphans))).every(({ step }) => step === 'CONFIRM'),
      'end of all orphans',
      { timeoutMs: 8000 },
    );
    for (const { id } of orphans) await fixture.finishedTimeline(id, successor.orders);
  });

  it('have slots when new orders use all slots of intake', async () => {
    const gate = new Gate();
    const busy = await fixture.start({ ...fastRecovery, ORDER_MAX_IN_FLIGHT: '4' });
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', async (order, options, effect) =>
      order.customerId === 'bob' ? gate.beforeEffect()(order, options, effect) : undefined,
    );
    const blocked = [];
    for (let index = 0; index < 4; index += 1)
      blocked.push(await fixture.accept({ customerId: 'bob' }, busy.orders));

    const orphans = await fixture.storeOrphans(20);

    for (const { id } of orphans)
      expect((await fixture.finishedTimeline(id, busy.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    gate.open();
    for (const { id } of blocked) await fixture.finishedTimeline(id, busy.orders);
  });

  it('wait while as many due orders are attempted as the limit permits', async () => {
    await fixture.replica.close();
    const orders = await fixture.storeOrphans(80);
    await fixture.database.db.query(park({ ids: idsOf(orders) }));
    const gate = new Gate();
    const calls = (): number => fixture.ports.calls.filter(({ step }) => step === 'AUTHORIZE_PAYMENT').length;
    // Eight successes raise the limit from 8 to 16.
    const successes = Array.from({ length: 8 }, () => takingMs(0));
    const blocked = Array.from({ length: 72 }, () => gate.beforeEffect());
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', inSequence(...successes, ...blocked));
    const successor = await fixture.start({ ORDER_MAX_IN_FLIGHT: '64', HEARTBEAT_INTERVAL: '300ms' });
    await waitFor(() => calls() === 24, 'maximum number of attempts');

    const before = await fixture.claimRounds(successor);
    await pause(1000);
    const rounds = (await fixture.claimRounds(successor)) - before;

    expect(rounds).to.be.within(2, 5);
    expect(calls()).to.equal(24);
    gate.open();
    for (const { id } of orders) await fixture.finishedTimeline(id, successor.orders);
  });

  const unknownStep = 'ASK_THE_ORACLE' as SagaStep;
  const situations = {
    'of a dead instance': { isReleased: false },
    'that are released': { isReleased: true },
  };
  for (const [situation, { isReleased }] of Object.entries(situations))
    it(`leave orders ${situation} at a step of another version alone`, async () => {
      const others = await fixture.storeOrphans(80, { step: unknownStep });
      const { db } = fixture.database;
      if (isReleased) await db.query(setDriver({ ids: idsOf(others), driver: null }));
      const before = await drivers(idsOf(others));
      const known = await fixture.storeOrphans(5);

      const successor = await fixture.start(fastRecovery);
      for (const { id } of known) await fixture.finishedTimeline(id, successor.orders);
      await fixture.claimRound([successor]);

      expect(await drivers(idsOf(others))).to.deep.equal(before);
      expect(successor.logs.filter((line) => line.includes('"level":"error"'))).to.deep.equal([]);
      await db.query(setStep({ ids: idsOf(others), step: 'RESERVE_STOCK' }));
      for (const { id } of others) await fixture.finishedTimeline(id, successor.orders);
    });

  it('set an order that cannot be read aside, and go on with the others', async () => {
    const successor = await fixture.start(fastRecovery);
    const orders = await fixture.storeOrphans(6, { step: unknownStep });
    const [id = '', ...others] = idsOf(orders);
    await fixture.database.db.query(setCurrency({ id, currency: 'ZZZ' }));

    await fixture.database.db.query(setStep({ ids: idsOf(orders), step: 'RESERVE_STOCK' }));

    for (const other of others) await fixture.finishedTimeline(other, successor.orders);
    await waitFor(async () => (await drivers([id]))[0]?.isLater, 'order that is set aside');
    expect(await drivers([id])).to.deep.equal([
      { driver: null, step: 'RESERVE_STOCK', failures: 1, isLater: true },
    ]);
    expect(await successor.metrics()).to.match(/^orders_set_aside_total 1$/m);
    await fixture.database.db.query(setCurrency({ id, currency: 'USD' }));
    await fixture.finishedTimeline(id, successor.orders);
  });

  it('set an order that cannot be driven aside', async () => {
    const successor = await fixture.start(fastRecovery);
    successor.db.failBefore.set('saga.record', [new TypeError('broken'), new TypeError('broken')]);
    const [{ id } = { id: '' }] = await fixture.storeOrphans(1);

    await waitFor(async () => (await drivers([id]))[0]?.failures === 2, 'order that is set aside twice');

    expect((await fixture.finishedTimeline(id, successor.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('never take a blocked order', async () => {
    const [order] = await fixture.storeOrphans(1);
    const id = order?.id ?? '';
    await fixture.database.db.query(block({ id }));

    const successor = await fixture.start(fastRecovery);
    await fixture.claimRound([successor]);

    expect((await drivers([id])).map(({ driver }) => driver)).to.deep.equal([null]);
    expect(fixture.ports.stepsOf(id)).to.deep.equal([]);
  });

  it('never take a blocked order of a dead instance of an older version', async () => {
    const orders = await fixture.storeOrphans(2);
    const [id = '', other = ''] = idsOf(orders);
    const before = await drivers([id]);
    await fixture.database.db.query(blockDriven({ id }));

    const successor = await fixture.start(fastRecovery);
    await fixture.finishedTimeline(other, successor.orders);
    await fixture.claimRound([successor]);

    expect(await drivers([id])).to.deep.equal(before);
    expect(fixture.ports.stepsOf(id)).to.deep.equal([]);
  });

  it('find the orders of a driver that has no heartbeat row', async () => {
    const [order] = await fixture.storeOrphans(1);
    const id = order?.id ?? '';
    await fixture.database.db.query(setDriver({ ids: [id], driver: uuidv7() }));

    const successor = await fixture.start(fastRecovery);

    expect((await fixture.finishedTimeline(id, successor.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });
});
