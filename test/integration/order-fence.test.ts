import { expect } from 'chai';
import type { SagaOrder, TimelineEntry } from '../../pkg/order/domain.js';
import { beat, recordProgress, type Progress } from '../../pkg/order/saga-store.js';
import { acceptOrder, findOrder, readTimeline } from '../../pkg/order/store.js';
import { anOrder } from '../../pkg/order/testing/builders.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { useOrders } from './order-bench.js';

describe('the progress of an order', () => {
  const bench = useOrders();
  const driver = uuidv7();
  let order: SagaOrder;

  beforeEach(async () => {
    order = anOrder();
    const { db } = bench.database;
    await beat(db, driver);
    await acceptOrder(db, { order, fingerprint: Buffer.of(1), driver, traceId: '' });
  });

  const step = (revision: number): TimelineEntry => ({
    revision,
    from: 'PENDING',
    to: 'PENDING',
    step: 'RESERVE_STOCK',
    outcome: 'IN_DOUBT',
    attempt: 1,
    time: new Date(),
    traceId: '',
    detail: '',
  });
  const record = (given: Partial<Progress> = {}): Promise<boolean> =>
    recordProgress(bench.database.db, {
      order: { ...order, revision: 2, failures: 1 },
      entries: [step(2)],
      fence: { revision: 1, driver },
      driver,
      ...given,
    });

  it('is stored with its timeline by the instance that drives it', async () => {
    expect(await record()).to.equal(true);

    expect(await findOrder(bench.database.db, order.id)).to.include({ revision: 2, failures: 1 });
    expect(await readTimeline(bench.database.db, order.id, 0)).to.have.lengthOf(2);
  });

  const stale: Record<string, Partial<Progress>> = {
    'from an instance that does not drive it': { fence: { revision: 1, driver: uuidv7() } },
    'from one that has seen less': { fence: { revision: 0, driver } },
    'from one that has seen something else': { fence: { revision: 2, driver } },
    'without entries, from one that has seen less': { entries: [], fence: { revision: 0, driver } },
  };
  for (const [whose, given] of Object.entries(stale))
    it(`is not stored, nor its timeline, ${whose}`, async () => {
      const before_ = await findOrder(bench.database.db, order.id);

      expect(await record(given)).to.equal(false);

      expect(await findOrder(bench.database.db, order.id)).to.deep.equal(before_);
      expect(await readTimeline(bench.database.db, order.id, 0)).to.have.lengthOf(1);
    });

  it('is stored once when it is sent twice', async () => {
    expect(await Promise.all([record(), record(), record()])).to.have.members([true, false, false]);

    expect(await readTimeline(bench.database.db, order.id, 0)).to.have.lengthOf(2);
  });
});
