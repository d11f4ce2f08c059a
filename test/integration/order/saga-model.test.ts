import { expect } from 'chai';
import fc from 'fast-check';
import { beginCancellation } from '../../../pkg/order/cancel-order.js';
import { isTerminal, type SagaOrder } from '../../../pkg/order/domain.js';
import { isAppError } from '../../../pkg/errors/index.js';
import { OperatorService } from '../../../pkg/order/operator/operator-service.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { Saga } from '../../../pkg/order/saga/saga.js';
import { OrderBatches } from '../../../pkg/order/order-batches.js';
import { recordProgress } from '../../../pkg/order/saga/store.js';
import { acceptOrders, findOrder, lockOrder, readTimeline } from '../../../pkg/order/store.js';
import { anOrder } from '../../../pkg/order/testing/builders.js';
import { expectLegalTimeline, summarize } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { systemClock, uuidv7 } from '../../../pkg/runtime/index.js';
import {
  disturbances,
  ModelInstance,
  type Disturbance,
  type ModelWorld,
} from '../../support/order/model-instance.js';
import { expectedEffects, ModelServices } from '../../support/order/model-services.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';

const claim = sql(
  'test.model_claim',
  'update orders set driver = $driver, next_attempt_at = null where id = $id',
);

const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const config = { stepTimeoutMs: 10_000, backoff: { baseMs: 1, capMs: 1 } };
/** More drives than the longest script needs. */
const maxDrives = 20;

function ignore(): void {}

describe('the saga with model services', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase(orderMigrations);
  });
  after(() => database.drop());

  const stored = async (id: string): Promise<SagaOrder> => {
    const order = await findOrder(database.db, id);
    if (!order) throw new Error('the order is missing');
    return order;
  };

  /** Stores a cancellation, as CancelOrder on another instance does. */
  const cancel = (id: string): Promise<void> =>
    database.db.transaction(async (tx) => {
      const order = await lockOrder(tx, id);
      const begun = order && beginCancellation(order, { reason: '', now: new Date() });
      if (!begun) return;
      await recordProgress(tx, {
        order: begun.order,
        entries: [begun.entry],
        expected: { revision: order.revision },
        next: { kind: 'DRIVEN', driver: uuidv7() },
      });
    });

  /** Drives an order on a new instance until the drive ends or the instance crashes. */
  const driveOnce = async (
    order: SagaOrder,
    world: ModelWorld,
    { origin, driver }: { readonly origin: 'ACCEPTED' | 'STORAGE'; readonly driver: string },
  ): Promise<void> => {
    const instance = new ModelInstance(world);
    const saga = new Saga({
      orders: new OrderBatches(instance.database(database.db), { maxItems: 64 }),
      inventory: instance.inventory,
      payment: instance.payment,
      clock: systemClock,
      logger: silent as never,
      events: { changed: ignore, recovered: ignore, stepEnded: ignore } as never,
      config,
      instance: driver,
      feed: { follow: ignore, unfollow: ignore, wake: ignore },
    });
    const { signal } = new AbortController();
    await Promise.race([saga.drive(order, { origin, signal }), instance.crashed]);
  };

  /** Drives an order from storage until it is terminal or blocked. */
  const recover = async (id: string, world: ModelWorld): Promise<SagaOrder> => {
    for (let drive = 1; drive <= maxDrives; drive += 1) {
      const order = await stored(id);
      if (isTerminal(order.state) || order.block) return order;
      const driver = uuidv7();
      await database.db.query(claim({ id, driver }));
      await driveOnce(order, world, { origin: 'STORAGE', driver });
    }
    throw new Error('the order is not terminal');
  };

  /** An operator acts when the services answer again: resolves the block if that is possible, or retries. */
  const unblock = async (orderId: string, world: ModelWorld, resolves: boolean): Promise<void> => {
    const operators = new OperatorService({
      db: database.db,
      refunds: { refund: () => Promise.reject(new Error('not used')) },
      resolutions: new ModelInstance(world).resolutions,
      clock: systemClock,
      newId: uuidv7,
      events: { operated: ignore } as never,
      onProgress: ignore,
    });
    const action = { orderId, actor: 'operator', reason: 'model' };
    const isResolved =
      resolves &&
      (await operators.resolveOrder(action).then(
        () => true,
        (error: unknown) => {
          if (!isAppError(error, 'ILLEGAL_TRANSITION')) throw error;
          return false;
        },
      ));
    if (!isResolved) await operators.retryOrder(action);
  };

  /** Accepts an order, drives it through a script, and asserts the invariants. */
  const run = async (
    script: readonly Disturbance[],
    rest: ModelWorld['rest'] = 'none',
  ): Promise<SagaOrder> => {
    const order = anOrder();
    const services = new ModelServices(order.total);
    const world: ModelWorld = {
      services,
      script: [...script],
      rest,
      delayed: [],
      cancel: () => cancel(order.id),
    };
    const driver = uuidv7();
    await acceptOrders(database.db, [{ order, fingerprint: Buffer.alloc(32), driver, traceId: '' }]);
    await driveOnce(order, world, { origin: 'ACCEPTED', driver });
    let ended = await recover(order.id, world);
    const isBlocked = ended.block !== undefined;
    if (isBlocked) {
      world.script.length = 0;
      await unblock(order.id, world, script.length % 2 === 0);
      ended = await recover(order.id, world);
    }
    for (const arrive of world.delayed) expectNoEffect(arrive, services);

    const timeline = await readTimeline(database.db, order.id, 0);
    const trace = `${script.join(' | ')}: ${summarize(timeline).join(', ')}`;
    expectLegalTimeline(timeline);
    expect(services.effects, `effects of ${ended.state} after ${trace}`).to.deep.equal(
      expectedEffects(ended),
    );
    expect(ended.rejection !== undefined, trace).to.equal(ended.state === 'REJECTED');
    if (isBlocked) expect(ended.state, trace).to.equal('CANCELLED');
    return ended;
  };

  const runAll = async (
    scripts: readonly (readonly Disturbance[])[],
    rest: ModelWorld['rest'] = 'none',
  ): Promise<Map<string, number>> => {
    const counts = new Map<string, number>();
    const remaining = [...scripts];
    const work = async (): Promise<void> => {
      for (let script = remaining.pop(); script; script = remaining.pop()) {
        const { state } = await run(script, rest);
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    return counts;
  };

  const undisturbed = (count: number): Disturbance[] => Array<Disturbance>(count).fill('none');
  const scriptsOf = (first: Disturbance, second: Disturbance): Disturbance[][] =>
    [0, 1, 2, 3].flatMap((before) =>
      [0, 1].map((between) => undisturbed(before).concat(first, undisturbed(between), second)),
    );

  it('confirms an undisturbed order', async () => {
    expect((await run([])).state).to.equal('CONFIRMED');
  });

  it('ends with money and stock that match the state, whatever happens to any two calls', async () => {
    const scripts = disturbances.flatMap((first) =>
      disturbances.flatMap((second) => scriptsOf(first, second)),
    );
    const counts = await runAll(scripts);
    expect([...counts.keys()]).to.have.members(['CONFIRMED', 'REJECTED', 'CANCELLED']);
  }).timeout(180_000);

  it('ends with money and stock that match the state, whatever happens to any two calls of a refund', async () => {
    // The cancellation comes with the capture: the void is refused, and the payment is read and refunded.
    const cancelled = undisturbed(3).concat('cancelled before the effect', 'none');
    const scripts = disturbances.flatMap((first) =>
      disturbances.flatMap((second) =>
        [0, 1].flatMap((before) =>
          [0, 1].map((between) => cancelled.concat(undisturbed(before), first, undisturbed(between), second)),
        ),
      ),
    );
    expect([...(await runAll(scripts)).keys()]).to.deep.equal(['CANCELLED']);
  }).timeout(180_000);

  it('ends with money and stock that match the state when the payment service is rolled back', async () => {
    // The earlier version leaves a payment that waits for its customer in doubt.
    const others = disturbances.filter((disturbance) => disturbance !== 'waits for the customer');
    const scripts = others.flatMap((first) =>
      ['none', 'crash before the call', 'crash after the answer'].flatMap((second) =>
        scriptsOf(first, second as Disturbance),
      ),
    );
    const counts = await runAll(scripts, 'answered by an earlier version');
    expect([...counts.keys()]).to.have.members(['CONFIRMED', 'REJECTED', 'CANCELLED']);
  }).timeout(180_000);

  it('ends with money and stock that match the state after any sequence of disturbances', async () => {
    const anyScript = fc.array(fc.constantFrom<Disturbance>('none', 'none', 'none', ...disturbances), {
      maxLength: 16,
    });
    const property = fc.asyncProperty(
      fc.array(anyScript, { minLength: 8, maxLength: 8 }),
      async (scripts) => {
        await runAll(scripts);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  }).timeout(180_000);
});

/** A call that arrives late is refused or repeats an earlier effect. */
function expectNoEffect(arrive: () => void, services: ModelServices): void {
  const before = services.effects;
  try {
    arrive();
  } catch {
    // A tombstone refuses the call.
  }
  expect(services.effects).to.deep.equal(before);
}
