import { expect } from 'chai';
import { Registry } from 'prom-client';
import { orderEvents } from '../../../pkg/order/events.js';
import { orderMetrics } from '../../../pkg/order/metrics.js';
import { OperatorService } from '../../../pkg/order/operator/operator-service.js';
import { RefundService } from '../../../pkg/order/operator/refund-service.js';
import { OrderBatches } from '../../../pkg/order/order-batches.js';
import { OrderFeed } from '../../../pkg/order/watch/order-feed.js';
import { SagaRunner } from '../../../pkg/order/saga/runner.js';
import { OrderService } from '../../../pkg/order/service.js';
import { failing, Gate, times } from '../../../pkg/order/testing/faults.js';
import { OrderState, SagaStep, type Order, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { createLogger } from '../../../pkg/observability/index.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aTelemetryConfig } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { FailureLogger, systemClock, uuidv7 } from '../../../pkg/runtime/index.js';
import {
  createOrder,
  startOrderServer,
  type OrderClient,
  type TestOrderServer,
} from '../../support/order/server.js';

/** A WatchOrder call that records the received entries. */
class Watcher {
  readonly entries: TimelineEntry[] = [];
  error: Error | undefined;
  hasEnded = false;
  readonly #cancellation = new AbortController();
  readonly #done: Promise<void>;

  constructor(client: OrderClient, orderId: string, afterRevision = 0) {
    const { signal } = this.#cancellation;
    this.#done = this.#read(client.watchOrder({ orderId, customerId: '', afterRevision }, { signal }));
  }

  get revisions(): number[] {
    return this.entries.map(({ revision }) => revision);
  }

  async waitForEntry(step: SagaStep, options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const hasEntry = (): boolean => this.entries.some((entry) => entry.step === step);
    await waitFor(hasEntry, `entry of ${SagaStep[step]}`, options);
  }

  async waitForEnd(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    await waitFor(() => this.hasEnded, 'end of the stream', options);
    if (this.error) throw this.error;
  }

  async cancel(): Promise<void> {
    this.#cancellation.abort();
    await this.#done;
  }

  async #read(responses: AsyncIterable<{ entry?: TimelineEntry | undefined }>): Promise<void> {
    try {
      for await (const { entry } of responses) if (entry) this.entries.push(entry);
    } catch (error) {
      this.error = error as Error;
    }
    this.hasEnded = true;
  }
}

const revisionsUpTo = (revision: number): number[] =>
  Array.from({ length: revision }, (_, index) => index + 1);
const insertEntries = sql(
  'test.insert_entries',
  `insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
     trace_id, detail)
   select $orderId, n, 'PENDING', case when n = $last then 'CONFIRMED' else 'PENDING' end, 'CONFIRM', 'SUCCEEDED', 1, now(),
     '', repeat('x', 200) from generate_series($first::int, $last::int) n`,
);
const setRevision = sql('test.order_set_revision', 'update orders set revision = $revision where id = $id');

describe('WatchOrder', () => {
  let server: TestOrderServer;
  let client: OrderClient;
  let gate: Gate;

  before(async () => {
    server = await startOrderServer({ SAGA_STEP_TIMEOUT: '30s' });
    ({ client } = server);
  });
  beforeEach(() => {
    server.ports.faults.clear();
    gate = new Gate();
  });
  afterEach(() => gate.open());
  after(() => server.close());

  /** Creates an order whose authorization is blocked until the gate opens. */
  async function blockedOrder(): Promise<{ id: string; creation: Promise<Order> }> {
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
    const creation = createOrder(client);
    await gate.reached;
    return { id: server.ports.calls.at(-1)?.orderId ?? '', creation };
  }

  it('streams stored entries, then new entries, and ends when the order is terminal', async () => {
    const { id, creation } = await blockedOrder();
    const watcher = new Watcher(client, id);
    await watcher.waitForEntry(SagaStep.RESERVE_STOCK);
    expect(watcher.hasEnded).to.equal(false);
    gate.open();
    await watcher.waitForEnd();
    const { revision } = await creation;
    expect(watcher.revisions).to.deep.equal(revisionsUpTo(revision));
    const { entries } = await client.getOrderTimeline({ orderId: id, customerId: '' });
    expect(watcher.entries).to.deep.equal(entries);
    expect(watcher.entries.at(-1)).to.include({
      step: SagaStep.CONFIRM,
      fromState: OrderState.PENDING,
      toState: OrderState.CONFIRMED,
    });
  });

  it('sends new entries without a poll when the same replica drives the order', async () => {
    // Each of the two waits ends after at most 4 seconds, so both end before the first poll after 10 seconds.
    const timeout = { timeoutMs: 4000 };
    const replicaClient = await server.addReplica({ ORDER_WATCH_INTERVAL: '10s' });
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
    const creation = createOrder(replicaClient);
    await gate.reached;
    const watcher = new Watcher(replicaClient, server.ports.calls.at(-1)?.orderId ?? '');
    await watcher.waitForEntry(SagaStep.RESERVE_STOCK, timeout);
    gate.open();
    await watcher.waitForEnd(timeout);
    expect(watcher.revisions).to.deep.equal(revisionsUpTo((await creation).revision));
  });

  it('streams stored entries on a replica that is not the driver', async () => {
    const otherClient = await server.addReplica();
    const { id, creation } = await blockedOrder();
    const watchers = [1, 2, 3].map(() => new Watcher(otherClient, id));
    await Promise.all(watchers.map((watcher) => watcher.waitForEntry(SagaStep.ACCEPT)));
    gate.open();
    await Promise.all(watchers.map((watcher) => watcher.waitForEnd()));
    const { revision } = await creation;
    for (const { revisions } of watchers) expect(revisions).to.deep.equal(revisionsUpTo(revision));
  });

  it('resumes after any revision, without a gap or a repeated entry', async () => {
    const unavailable = failing(new Error('unavailable'));
    server.ports.faults.set('COMMIT_STOCK', times(3, unavailable));
    const { orderId, revision } = await createOrder(client);
    for (const after of [0, ...revisionsUpTo(revision)]) {
      const watcher = new Watcher(client, orderId, after);
      await watcher.waitForEnd();
      expect(watcher.revisions).to.deep.equal(revisionsUpTo(revision).slice(after));
    }
  });

  it('resumes an order in progress after the last received revision', async () => {
    const { id, creation } = await blockedOrder();
    const first = new Watcher(client, id);
    await first.waitForEntry(SagaStep.RESERVE_STOCK);
    await first.cancel();
    const second = new Watcher(client, id, first.revisions.at(-1));
    gate.open();
    await second.waitForEnd();
    expect([...first.revisions, ...second.revisions]).to.deep.equal(revisionsUpTo((await creation).revision));
  });

  it('ends when the order is terminal, even when the watch starts after a future revision', async () => {
    const { id, creation } = await blockedOrder();
    const watcher = new Watcher(client, id, 1_000_000);
    gate.open();
    await creation;
    await watcher.waitForEnd();
    expect(watcher.entries).to.deep.equal([]);
  });

  it('follows a cancellation of a CONFIRMED order until the order is CANCELLED', async () => {
    const { orderId, revision } = await createOrder(client);
    server.ports.faults.set('REFUND_PAYMENT', gate.beforeEffect());
    const cancellation = client.cancelOrder({ orderId, customerId: '', requestId: '', reason: 'too late' });
    await gate.reached;
    const watcher = new Watcher(client, orderId, revision);
    await watcher.waitForEntry(SagaStep.REQUEST_CANCELLATION);
    gate.open();
    await watcher.waitForEnd();
    expect(watcher.entries.map(({ step }) => SagaStep[step])).to.deep.equal([
      'REQUEST_CANCELLATION',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'CANCEL',
    ]);
    expect((await cancellation).order?.revision).to.equal(watcher.revisions.at(-1));
  });

  it('sends all entries to a slow reader, without a delay for other readers', async () => {
    const { orderId, revision } = await createOrder(client);
    const last = revision + 5000;
    await server.db.query(insertEntries({ orderId, first: revision + 1, last }));
    await server.db.query(setRevision({ id: orderId, revision: last }));
    const slowRevisions: number[] = [];
    for await (const { entry } of client.watchOrder({ orderId, customerId: '', afterRevision: 0 })) {
      slowRevisions.push(entry?.revision ?? 0);
      if (slowRevisions.length !== 1) continue;
      // The slow reader reads its second entry after another watcher has received all entries.
      const fastWatcher = new Watcher(client, orderId);
      await fastWatcher.waitForEnd();
      expect(fastWatcher.revisions).to.deep.equal(revisionsUpTo(last));
    }
    expect(slowRevisions).to.deep.equal(revisionsUpTo(last));
  });

  describe('at a limit of one watcher', () => {
    let feed: OrderFeed;
    let limitedClient: OrderClient;

    before(async () => {
      const { db, ports } = server;
      const logger = createLogger(aTelemetryConfig({ logLevel: 'silent' }));
      const runner = new SagaRunner({
        saga: { drive: async (order) => order },
        logger,
        limit: 1,
        drainMs: 0,
      });
      const failures = new FailureLogger(logger, {
        failed: 'order feed failed',
        recovered: 'order feed recovered',
      });
      feed = new OrderFeed({ db, pollMs: 20, limit: 1, failures });
      const events = orderEvents(logger, orderMetrics(new Registry()));
      const operation = { db, clock: systemClock, newId: uuidv7, events, onProgress: () => undefined };
      const refunds = new RefundService({ ...operation, refunds: ports.refunds, attemptTimeoutMs: 1000 });
      const deps = {
        db,
        orders: new OrderBatches(db, { maxItems: 64 }),
        operators: new OperatorService({ ...operation, refunds, resolutions: ports.resolutions }),
        catalog: ports.catalog,
        events,
        clock: systemClock,
        newId: uuidv7,
        instance: uuidv7(),
      };
      limitedClient = await server.serve(new OrderService({ ...deps, runner, feed }));
    });
    after(() => feed.close());

    /** Opens one watcher after another until the server accepts one. */
    const untilAccepted = (orderId: string): Promise<unknown> =>
      waitFor(async () => {
        const next = new Watcher(limitedClient, orderId);
        await waitFor(() => next.entries.length > 0 || next.error !== undefined, 'response or rejection');
        await next.cancel();
        return next.entries.length > 0;
      }, 'accepted watcher');

    it('rejects a second watcher with a retry delay, until the first watcher cancels', async () => {
      const { id } = await blockedOrder();
      const first = new Watcher(limitedClient, id);
      await first.waitForEntry(SagaStep.ACCEPT);
      const second = new Watcher(limitedClient, id);
      await waitFor(() => second.hasEnded, 'end of the rejected stream');
      const error = await expectReason(second.waitForEnd(), 'OVERLOADED');
      expect(error.retryAfterMs).to.equal(1000);
      expect(first.hasEnded).to.equal(false);
      await first.cancel();
      await untilAccepted(id);
    });

    it('accepts a watcher after a slow reader cancels', async () => {
      const { orderId, revision } = await createOrder(client);
      const last = revision + 5000;
      await server.db.query(insertEntries({ orderId, first: revision + 1, last }));
      await server.db.query(setRevision({ id: orderId, revision: last }));
      for await (const { entry } of limitedClient.watchOrder({ orderId, customerId: '', afterRevision: 0 })) {
        expect(entry?.revision).to.equal(1);
        await expectReason(new Watcher(limitedClient, orderId).waitForEnd(), 'OVERLOADED');
        break;
      }
      await untilAccepted(orderId);
    });

    it('accepts a watcher after the order is terminal', async () => {
      const { id, creation } = await blockedOrder();
      const first = new Watcher(limitedClient, id);
      await first.waitForEntry(SagaStep.ACCEPT);
      gate.open();
      await creation;
      await first.waitForEnd();
      await untilAccepted(id);
    });
  });
});
