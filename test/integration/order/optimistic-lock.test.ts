import { expect } from 'chai';
import type { SagaOrder, TimelineEntry } from '../../../pkg/order/domain.js';
import { storeHeartbeat } from '../../../pkg/order/saga/instance-store.js';
import { recordProgress, type Progress } from '../../../pkg/order/saga/store.js';
import { acceptOrders, findOrder, readTimeline } from '../../../pkg/order/store.js';
import { anOrder } from '../../../pkg/order/testing/builders.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';

describe('recordProgress', () => {
  const fixture = useOrders();
  const driver = uuidv7();
  let order: SagaOrder;

  beforeEach(async () => {
    order = anOrder();
    const { db } = fixture.database;
    await storeHeartbeat(db, driver);
    await acceptOrders(db, [{ order, fingerprint: Buffer.of(1), driver, traceId: '' }]);
  });

  const anEntry = (revision: number): TimelineEntry => ({
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
  const record = (overrides: Partial<Progress> = {}): Promise<boolean> =>
    recordProgress(fixture.database.db, {
      order: { ...order, revision: 2, failures: 1 },
      entries: [anEntry(2)],
      expected: { revision: 1, driver },
      next: { kind: 'DRIVEN', driver },
      ...overrides,
    });

  it('stores the order and its timeline entries if the stored revision and driver are the expected ones', async () => {
    expect(await record()).to.equal(true);

    expect(await findOrder(fixture.database.db, order.id)).to.include({ revision: 2, failures: 1 });
    expect(await readTimeline(fixture.database.db, order.id, 0)).to.have.lengthOf(2);
  });

  const rejectedWrites: Record<string, Partial<Progress>> = {
    'by an instance that is not the driver': { expected: { revision: 1, driver: uuidv7() } },
    'with an old revision': { expected: { revision: 0, driver } },
    'with a future revision': { expected: { revision: 2, driver } },
    'without entries, with an old revision': { entries: [], expected: { revision: 0, driver } },
  };
  for (const [write, overrides] of Object.entries(rejectedWrites))
    it(`rejects a write ${write}`, async () => {
      const stored = await findOrder(fixture.database.db, order.id);

      expect(await record(overrides)).to.equal(false);

      expect(await findOrder(fixture.database.db, order.id)).to.deep.equal(stored);
      expect(await readTimeline(fixture.database.db, order.id, 0)).to.have.lengthOf(1);
    });

  it('stores only one of several equal concurrent writes', async () => {
    expect(await Promise.all([record(), record(), record()])).to.have.members([true, false, false]);

    expect(await readTimeline(fixture.database.db, order.id, 0)).to.have.lengthOf(2);
  });
});
