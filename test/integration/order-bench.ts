import { expect } from 'chai';
import { isResting, type Order } from '../../pkg/order/domain.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import type { OrderService } from '../../pkg/order/service.js';
import { expectTrueBooks } from '../../pkg/order/testing/books.js';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import { expectLegal, story } from '../../pkg/order/testing/timeline.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { sql } from '../../pkg/postgres/index.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { patience, startReplica, type Replica } from './order-replica.js';

/** Refuses the heartbeats of replicas that are in `silenced`. */
const refusal = [
  'create table silenced (id uuid primary key)',
  `create function refuse_silenced() returns trigger language plpgsql as $$
   begin
     if exists (select 1 from silenced where id = new.id) then raise exception 'silenced by the test'; end if;
     return new;
   end $$`,
  `create trigger refuse_silenced before insert or update on instances
   for each row execute function refuse_silenced()`,
].map((text, index) => sql(`test.order_refusal_${index}`, text));
const forgetBeats = sql(
  'test.order_forget_beats',
  `update instances set heartbeat_at = now() - interval '1 hour' where id not in (select id from silenced)`,
);
const silence = sql(
  'test.order_silence',
  'insert into silenced select id from instances on conflict do nothing',
);
const heartbeats = sql('test.order_heartbeats', 'select id, heartbeat_at from instances');
const age = sql(
  'test.order_age',
  `update orders set updated_at = now() - interval '1 hour' where state in ('PENDING', 'CANCELLING')`,
);

type Env = Readonly<Record<string, string>>;

/** Replicas of the order business over one database and one set of other services. */
export class OrderBench {
  readonly #env: Env;
  #database: TestDatabase | undefined;
  #replicas: Replica[] = [];
  /** The other services; new for each test. */
  ports = new FakePorts();

  constructor(env: Env) {
    this.#env = env;
  }

  get database(): TestDatabase {
    if (!this.#database) throw new Error('the bench is not open');
    return this.#database;
  }

  /** The replica that every test starts with. */
  get replica(): Replica {
    const [first] = this.#replicas;
    if (!first) throw new Error('no replica runs');
    return first;
  }

  get orders(): OrderService {
    return this.replica.orders;
  }

  /** Starts one more replica, closed after the test. */
  async start(env: Env = {}, ports = this.ports): Promise<Replica> {
    const replica = await startReplica(this.database.url, ports, { ...this.#env, ...env });
    this.#replicas.push(replica);
    return replica;
  }

  create(given: Parameters<typeof anOrderRequest>[0] = {}, wait = patience()): Promise<Order> {
    return this.orders.createOrder(anOrderRequest(given), wait);
  }

  /** Has an order accepted without waiting for it. */
  async accept(given: Parameters<typeof anOrderRequest>[0] = {}, orders = this.orders): Promise<Order> {
    const leaving = new AbortController();
    leaving.abort();
    return orders.createOrder(anOrderRequest(given), patience(20_000, leaving.signal));
  }

  cancel(orderId: string, orders = this.orders, wait = patience()): Promise<Order> {
    return orders.cancelOrder({ requestId: uuidv7(), orderId, customerId: '', reason: '' }, wait);
  }

  /** Waits for an order to rest, checks everything that is promised of one that does, and tells its story. */
  async storyOf(id: string, orders = this.orders): Promise<string[]> {
    await this.untilRest(id, orders);
    const order = await orders.getOrder(id, '');
    const timeline = await orders.getTimeline(id, '');
    expectLegal(timeline);
    expect(isResting(order.state), order.state).to.equal(true);
    expect(timeline.at(-1)).to.include({ to: order.state, revision: order.revision });
    expectTrueBooks(order.state, this.ports.booksOf(id));
    return story(timeline);
  }

  async untilRest(id: string, orders = this.orders): Promise<void> {
    const { signal } = new AbortController();
    for await (const entry of orders.watchOrder({ id, customerId: '', after: 0 }, signal)) void entry;
  }

  /** Makes every replica that runs look dead from now on: it works, but can neither send heartbeats nor claim. */
  async silence(): Promise<void> {
    await this.database.db.transaction(async (tx) => {
      await tx.query(forgetBeats);
      await tx.query(silence);
    });
  }

  /** Makes unfinished orders look as if nothing had happened to them for long. */
  async age(): Promise<void> {
    await this.database.db.query(age);
  }

  /** Waits until so many replicas have sent a heartbeat, and looked for orders to claim since the one before. */
  async round(replicas: number): Promise<void> {
    const beats = async (): Promise<string[]> => {
      const rows = await this.database.db.query<{ id: string; heartbeat_at: Date }>(heartbeats);
      return rows.map(({ id, heartbeat_at: at }) => `${id} ${at.getTime()}`);
    };
    const before_ = new Set(await beats());
    const isNew = (beat: string): boolean => !before_.has(beat);
    await waitFor(async () => (await beats()).filter(isNew).length >= replicas, 'a round of heartbeats');
  }

  async open(): Promise<void> {
    this.#database = await createTestDatabase(orderMigrations);
    for (const statement of refusal) await this.database.db.query(statement);
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

/** A bench for the tests of one `describe`, with a fresh replica for each. */
export function useOrders(env: Env = {}): OrderBench {
  const bench = new OrderBench(env);
  before(() => bench.open());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());
  after(() => bench.database.drop());
  return bench;
}
