import { expect } from 'chai';
import { isTerminal, type Order, type SagaOrder } from '../../../pkg/order/domain.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import type { OrderService } from '../../../pkg/order/service.js';
import type { WaitOptions } from '../../../pkg/order/watch/await-terminal.js';
import { acceptOrders } from '../../../pkg/order/store.js';
import { anOrder, anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { expectConsistentLedger } from '../../../pkg/order/testing/effect-ledger.js';
import { FakePorts } from '../../../pkg/order/testing/fake-ports.js';
import { expectLegalTimeline, summarize } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { systemClock, uuidv7 } from '../../../pkg/runtime/index.js';
import { createTestDatabase, type TestDatabase } from '../postgres/test-database.js';
import { waitFor } from '../wait-for.js';
import { callOptions, startReplica, type Env, type Replica } from './replica.js';

const createStopped = sql('test.order_create_stopped', 'create table stopped (id uuid primary key)');
const createGuard = sql(
  'test.order_create_guard',
  `create function reject_stopped() returns trigger language plpgsql as '
   begin
     if new.heartbeat_at = now() and exists (select 1 from stopped where id = new.id) then raise exception ''stopped by the test''; end if;
     return new;
   end '`,
);
const createTrigger = sql(
  'test.order_create_trigger',
  `create trigger reject_stopped before insert or update on instances
   for each row execute function reject_stopped()`,
);
const expireHeartbeats = sql(
  'test.order_expire_heartbeats',
  `update instances set heartbeat_at = now() - make_interval(secs => $ageSeconds)`,
);
const ageHeartbeat = sql(
  'test.order_age_heartbeat',
  `update instances set heartbeat_at = now() - make_interval(secs => $ageSeconds) where id = $instance`,
);
const stopInstances = sql(
  'test.order_stop_instances',
  'insert into stopped select id from instances on conflict do nothing',
);
const addDeadInstance = sql(
  'test.order_add_dead_instance',
  `insert into instances (id, heartbeat_at) values ($driver, now() - interval '1 minute')`,
);

/** Replicas of the order service without gRPC servers. All replicas share one database and the same fake services. */
export class OrderFixture {
  readonly #env: Env;
  #database: TestDatabase | undefined;
  #replicas: Replica[] = [];
  /** Fakes of the other services, new for each test. */
  ports = new FakePorts();

  constructor(env: Env) {
    this.#env = env;
  }

  get database(): TestDatabase {
    if (!this.#database) throw new Error('the fixture is not open');
    return this.#database;
  }

  /** The replica that is started before each test. */
  get replica(): Replica {
    const [first] = this.#replicas;
    if (!first) throw new Error('the fixture has no replica');
    return first;
  }

  get orders(): OrderService {
    return this.replica.orders;
  }

  /** Starts another replica. The fixture closes the replica after the test. */
  async start(env: Env = {}, clock = systemClock): Promise<Replica> {
    const replica = await startReplica(this.database.url, this.ports, { ...this.#env, ...env }, clock);
    this.#replicas.push(replica);
    return replica;
  }

  create(
    overrides: Parameters<typeof anOrderRequest>[0] = {},
    options: WaitOptions = callOptions(),
  ): Promise<Order> {
    return this.orders.createOrder(anOrderRequest(overrides), options);
  }

  /** Creates an order and returns as soon as the order is accepted. */
  async accept(overrides: Parameters<typeof anOrderRequest>[0] = {}, orders = this.orders): Promise<Order> {
    const cancel = new AbortController();
    const options = { ...callOptions(20_000, cancel.signal), onWait: () => cancel.abort() };
    return orders.createOrder(anOrderRequest(overrides), options);
  }

  /** Stores PENDING orders of an instance that is dead. */
  async storeOrphans(count: number, overrides: Partial<SagaOrder> = {}): Promise<SagaOrder[]> {
    const { db } = this.database;
    const driver = uuidv7();
    await db.query(addDeadInstance({ driver }));
    const orders = Array.from({ length: count }, () => anOrder(overrides));
    for (const order of orders)
      await acceptOrders(db, [{ order, fingerprint: Buffer.of(1), driver, traceId: '' }]);
    return orders;
  }

  cancel(orderId: string, orders = this.orders, options = callOptions()): Promise<Order> {
    return orders.cancelOrder({ requestId: uuidv7(), orderId, customerId: '', reason: '' }, options);
  }

  /** Waits until an order is terminal, asserts the invariants of orders, and returns the timeline in short form. */
  async finishedTimeline(id: string, orders = this.orders): Promise<string[]> {
    await this.untilTerminal(id, orders);
    const order = await orders.getOrder(id, '');
    const timeline = await orders.getTimeline(id, '');
    expectLegalTimeline(timeline);
    expect(isTerminal(order.state), order.state).to.equal(true);
    expect(timeline.at(-1)).to.include({ to: order.state, revision: order.revision });
    expectConsistentLedger(order.state, this.ports.ledgerOf(id));
    return summarize(timeline);
  }

  async untilTerminal(id: string, orders = this.orders): Promise<void> {
    const { signal } = new AbortController();
    for await (const entry of orders.watchOrder({ id, customerId: '', after: 0 }, signal)) void entry;
  }

  /**
   * Sets the last heartbeat of all running replicas to an age, and rejects later heartbeats. The replicas continue their
   * sagas and hold their liveness locks.
   */
  async stopHeartbeats(ageSeconds = 3600): Promise<void> {
    await this.database.db.transaction(async (tx) => {
      await tx.query(expireHeartbeats({ ageSeconds }));
      await tx.query(stopInstances());
    });
  }

  /** Sets the last heartbeat of an instance to an age. */
  async ageHeartbeat(instance: string, ageSeconds: number): Promise<void> {
    await this.database.db.query(ageHeartbeat({ instance, ageSeconds }));
  }

  /** Waits until each replica has searched for orders without a live driver, from start to end. */
  async claimRound(replicas: readonly Replica[]): Promise<void> {
    await Promise.all(
      replicas.map(async (replica) => {
        const first = await this.claimRounds(replica);
        // The round that is in progress may have started earlier.
        await waitFor(
          async () => (await this.claimRounds(replica)) >= first + 2,
          'claim round of the replica',
        );
      }),
    );
  }

  /** Number of times that a replica has searched for orders without a live driver. */
  async claimRounds(replica: Replica): Promise<number> {
    return Number(/^claim_rounds_total\{outcome="completed"\} (\d+)$/m.exec(await replica.metrics())?.[1]);
  }

  async open(): Promise<void> {
    this.#database = await createTestDatabase(orderMigrations);
    for (const statement of [createStopped, createGuard, createTrigger])
      await this.database.db.query(statement());
  }

  async begin(): Promise<void> {
    this.ports = new FakePorts();
    await this.start();
  }

  async end(): Promise<void> {
    const replicas = this.#replicas;
    this.#replicas = [];
    await Promise.all(replicas.map((replica) => replica.close()));
  }
}

/** Returns a fixture for one `describe`. All tests share a database, and each test has a new replica. */
export function useOrders(env: Env = {}): OrderFixture {
  const fixture = new OrderFixture(env);
  before(() => fixture.open());
  beforeEach(() => fixture.begin());
  afterEach(() => fixture.end());
  after(() => fixture.database.drop());
  return fixture;
}
