import { expect } from 'chai';
import { Registry } from 'prom-client';
import { orderEvents } from '../../pkg/order/events.js';
import { orderMetrics } from '../../pkg/order/metrics.js';
import { OrderFeed } from '../../pkg/order/order-feed.js';
import { SagaRunner } from '../../pkg/order/saga-runner.js';
import { OrderService } from '../../pkg/order/service.js';
import { failing, Gate, times } from '../../pkg/order/testing/faults.js';
import { OrderState, SagaStep, type Order, type TimelineEntry } from '../../pkg/pb/order/v1/order.js';
import { createLogger } from '../../pkg/observability/index.js';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { aTelemetryConfig } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { Outage, systemClock, uuidv7 } from '../../pkg/runtime/index.js';
import { create, startOrdersForTest, type OrderClient, type TestOrders } from './order-grpc-server.js';

/** A caller of WatchOrder that keeps what it was told. */
class Watcher {
  readonly told: TimelineEntry[] = [];
  error: Error | undefined;
  hasEnded = false;
  readonly #hangUp = new AbortController();
  readonly #done: Promise<void>;

  constructor(client: OrderClient, orderId: string, afterRevision = 0) {
    const { signal } = this.#hangUp;
    this.#done = this.#read(client.watchOrder({ orderId, customerId: '', afterRevision }, { signal }));
  }

  get revisions(): number[] {
    return this.told.map(({ revision }) => revision);
  }

  async isToldOf(step: SagaStep): Promise<void> {
    await waitFor(() => this.told.some((entry) => entry.step === step), SagaStep[step]);
  }

  async ends(): Promise<void> {
    await waitFor(() => this.hasEnded, 'the end of the stream');
    if (this.error) throw this.error;
  }

  async hangUp(): Promise<void> {
    this.#hangUp.abort();
    await this.#done;
  }

  async #read(answers: AsyncIterable<{ entry?: TimelineEntry | undefined }>): Promise<void> {
    try {
      for await (const { entry } of answers) if (entry) this.told.push(entry);
    } catch (error) {
      this.error = error as Error;
    }
    this.hasEnded = true;
  }
}

const upTo = (revision: number): number[] => Array.from({ length: revision }, (_, index) => index + 1);
const insertEntries = sql(
  'test.insert_entries',
  `insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
     trace_id, detail)
   select $1, n, 'PENDING', case when n = $3 then 'CONFIRMED' else 'PENDING' end, 'CONFIRM', 'SUCCEEDED', 1, now(),
     '', repeat('x', 200) from generate_series($2::int, $3::int) n`,
);
const moveTo = sql('test.move_order', `update orders set revision = $2 where id = $1`);

describe('watching an order', () => {
  let server: TestOrders;
  let client: OrderClient;
  let gate: Gate;

  before(async () => {
    server = await startOrdersForTest({ SAGA_STEP_TIMEOUT: '30s' });
    ({ client } = server);
  });
  beforeEach(() => {
    server.ports.faults.clear();
    gate = new Gate();
  });
  afterEach(() => gate.open());
  after(() => server.close());

  /** An order whose payment is held at the gate, and the answer to come. */
  async function heldOrder(): Promise<{ id: string; answer: Promise<Order> }> {
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
    const answer = create(client);
    await gate.reached;
    return { id: server.ports.calls.at(-1)?.orderId ?? '', answer };
  }

  it('tells what is there and then what comes, and ends when the order rests', async () => {
    const { id, answer } = await heldOrder();
    const watcher = new Watcher(client, id);
    await watcher.isToldOf(SagaStep.RESERVE_STOCK);
    expect(watcher.hasEnded).to.equal(false);
    gate.open();
    await watcher.ends();
    const { revision } = await answer;
    expect(watcher.revisions).to.deep.equal(upTo(revision));
    const { entries } = await client.getOrderTimeline({ orderId: id, customerId: '' });
    expect(watcher.told).to.deep.equal(entries);
    expect(watcher.told.at(-1)).to.include({
      step: SagaStep.CONFIRM,
      fromState: OrderState.PENDING,
      toState: OrderState.CONFIRMED,
    });
  });

  it('needs no look at the database when the order is driven by the same replica', async () => {
    // This one looks every ten seconds, far longer than the test waits.
    const patient = await server.addReplica({ ORDER_WATCH_INTERVAL: '10s' });
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
    const answer = create(patient);
    await gate.reached;
    const watcher = new Watcher(patient, server.ports.calls.at(-1)?.orderId ?? '');
    await watcher.isToldOf(SagaStep.RESERVE_STOCK);
    gate.open();
    await watcher.ends();
    expect(watcher.revisions).to.deep.equal(upTo((await answer).revision));
  });

  it('works on a replica that does not drive the order', async () => {
    const other = await server.addReplica();
    const { id, answer } = await heldOrder();
    const watchers = [1, 2, 3].map(() => new Watcher(other, id));
    await Promise.all(watchers.map((watcher) => watcher.isToldOf(SagaStep.RESERVE_STOCK)));
    gate.open();
    await Promise.all(watchers.map((watcher) => watcher.ends()));
    const { revision } = await answer;
    for (const { revisions } of watchers) expect(revisions).to.deep.equal(upTo(revision));
  });

  it('resumes after any revision, with neither gap nor repetition', async () => {
    const away = failing(new Error('away'));
    server.ports.faults.set('COMMIT_STOCK', times(3, away));
    const { orderId, revision } = await create(client);
    for (const after of [0, ...upTo(revision)]) {
      const watcher = new Watcher(client, orderId, after);
      await watcher.ends();
      expect(watcher.revisions).to.deep.equal(upTo(revision).slice(after));
    }
  });

  it('resumes an order that is still under way after what was seen', async () => {
    const { id, answer } = await heldOrder();
    const first = new Watcher(client, id);
    await first.isToldOf(SagaStep.RESERVE_STOCK);
    await first.hangUp();
    const second = new Watcher(client, id, first.revisions.at(-1));
    gate.open();
    await second.ends();
    expect([...first.revisions, ...second.revisions]).to.deep.equal(upTo((await answer).revision));
  });

  it('after a revision yet to come ends with the order, too', async () => {
    const { id, answer } = await heldOrder();
    const watcher = new Watcher(client, id, 1_000_000);
    gate.open();
    await answer;
    await watcher.ends();
    expect(watcher.told).to.deep.equal([]);
  });

  it('follows a cancellation from rest to rest', async () => {
    const { orderId, revision } = await create(client);
    server.ports.faults.set('REFUND_PAYMENT', gate.before());
    const cancelled = client.cancelOrder({ orderId, customerId: '', requestId: '', reason: 'too late' });
    await gate.reached;
    const watcher = new Watcher(client, orderId, revision);
    await watcher.isToldOf(SagaStep.REQUEST_CANCELLATION);
    gate.open();
    await watcher.ends();
    expect(watcher.told.map(({ step }) => SagaStep[step])).to.deep.equal([
      'REQUEST_CANCELLATION',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'CANCEL',
    ]);
    expect((await cancelled).order?.revision).to.equal(watcher.revisions.at(-1));
  });

  it('tells a slow reader everything, and holds up nobody else', async () => {
    const { orderId, revision } = await create(client);
    const last = revision + 5000;
    await server.db.query(insertEntries, [orderId, revision + 1, last]);
    await server.db.query(moveTo, [orderId, last]);
    const slow: number[] = [];
    for await (const { entry } of client.watchOrder({ orderId, customerId: '', afterRevision: 0 })) {
      slow.push(entry?.revision ?? 0);
      if (slow.length !== 1) continue;
      // The reader looks away until another has seen it all.
      const quick = new Watcher(client, orderId);
      await quick.ends();
      expect(quick.revisions).to.deep.equal(upTo(last));
    }
    expect(slow).to.deep.equal(upTo(last));
  });

  describe('where only one may watch', () => {
    let feed: OrderFeed;
    let narrow: OrderClient;

    before(async () => {
      const { db, ports } = server;
      const logger = createLogger(aTelemetryConfig({ logLevel: 'silent' }));
      const runner = new SagaRunner({
        saga: { drive: async (order) => order },
        logger,
        limit: 1,
        drainMs: 0,
      });
      const outage = new Outage(logger, { fails: 'order feed cannot read', works: 'order feed reads again' });
      feed = new OrderFeed({ db, pollMs: 20, limit: 1, outage });
      const events = orderEvents(logger, orderMetrics(new Registry()));
      const deps = {
        db,
        catalog: ports.catalog,
        events,
        clock: systemClock,
        newId: uuidv7,
        instance: uuidv7(),
      };
      narrow = await server.serve(new OrderService({ ...deps, runner, feed }));
    });
    after(() => feed.close());

    /** Waits until there is room again for a watcher. */
    const hasRoom = (orderId: string): Promise<void> =>
      waitFor(async () => {
        const next = new Watcher(narrow, orderId);
        await waitFor(() => next.told.length > 0 || next.error !== undefined, 'an answer');
        await next.hangUp();
        return next.told.length > 0;
      }, 'room for another');

    it('refuses a second with the time to wait, until the first hangs up', async () => {
      const { id } = await heldOrder();
      const first = new Watcher(narrow, id);
      await first.isToldOf(SagaStep.ACCEPT);
      const second = new Watcher(narrow, id);
      await waitFor(() => second.hasEnded, 'the refusal');
      const refusal = await expectReason(second.ends(), 'OVERLOADED');
      expect(refusal.retryAfterMs).to.equal(1000);
      expect(first.hasEnded).to.equal(false);
      await first.hangUp();
      await hasRoom(id);
    });

    it('has room again when a reader hangs up who never read on', async () => {
      const { orderId, revision } = await create(client);
      const last = revision + 5000;
      await server.db.query(insertEntries, [orderId, revision + 1, last]);
      await server.db.query(moveTo, [orderId, last]);
      for await (const { entry } of narrow.watchOrder({ orderId, customerId: '', afterRevision: 0 })) {
        expect(entry?.revision).to.equal(1);
        await expectReason(new Watcher(narrow, orderId).ends(), 'OVERLOADED');
        break;
      }
      await hasRoom(orderId);
    });

    it('has room again when the order rests', async () => {
      const { id, answer } = await heldOrder();
      const first = new Watcher(narrow, id);
      await first.isToldOf(SagaStep.ACCEPT);
      gate.open();
      await answer;
      await first.ends();
      await hasRoom(id);
    });
  });
});
