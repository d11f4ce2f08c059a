import { expect } from 'chai';
import * as fc from 'fast-check';
import { inventoryMigrations, InventoryService, ReservationBatches } from '../../../pkg/inventory/index.js';
import { openDatabase, sql, type Database, type Queryable } from '../../../pkg/postgres/index.js';
import { Scope, uuidv7 } from '../../../pkg/runtime/index.js';
import { RecordingDatabase } from '../../support/recording-database.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { deadlocksIn, outcomeOf, seededRandom, type Units } from './requests.js';

const silent = { warn: () => undefined };
const lockSku = sql('test.lock_sku', 'select from stock where sku = $sku for update');
const readRows = sql(
  'test.stock_and_reservations',
  `select sku as key, on_hand || '/' || reserved as value from stock where sku = any ($skus::text[])
   union all select id::text, state from reservations where id = any ($ids::uuid[])
   order by key`,
);
const readSums = sql(
  'test.stock_sums',
  `select s.sku, s.on_hand = coalesce((select sum(delta) from stock_movements m where m.sku = s.sku), 0)
       and s.reserved = coalesce((
         select sum(l.quantity) from reservation_lines l join reservations r on r.id = l.reservation_id
         where l.sku = s.sku and r.state = 'RESERVED'), 0)
       and s.reserved between 0 and s.on_hand as is_consistent
   from stock s`,
);

type Operation =
  | { readonly kind: 'RESERVE'; readonly id: string; readonly units: Units }
  | { readonly kind: 'COMMIT' | 'RELEASE'; readonly id: string };

type Generated =
  | { readonly kind: 'RESERVE'; readonly index: number; readonly units: Units }
  | { readonly kind: 'COMMIT' | 'RELEASE'; readonly index: number };

describe('ReservationBatches', () => {
  let scope: Scope;
  let database: TestDatabase;
  let recording: RecordingDatabase;
  let inventory: InventoryService;

  /** Opens the service as one replica with batches of up to `maxItems`. */
  const open = (db: Database, maxItems: number): InventoryService => {
    const reservations = scope.use(new ReservationBatches(db, { maxItems }));
    return new InventoryService({ db, reservations, defaultTtlMs: 60_000, onChange: () => undefined });
  };
  const newReplica = async (url: string, maxItems: number): Promise<InventoryService> =>
    open(scope.use(await openDatabase(testDatabaseConfig(url), silent)), maxItems);
  const newDatabase = async (): Promise<TestDatabase> => {
    const created = await createTestDatabase(inventoryMigrations);
    scope.defer(created.drop);
    return created;
  };

  beforeEach(async () => {
    scope = new Scope();
    database = await newDatabase();
    recording = new RecordingDatabase(database.db);
    inventory = open(recording, 64);
  });
  afterEach(() => scope.close());

  const statementsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const first = recording.statements.length;
    await work();
    return recording.statements.slice(first);
  };

  it('reserve, commit, read and release the same SKU for 64 callers with one statement each', async () => {
    await stock(inventory, { hot: 64 });
    const ids = Array.from({ length: 64 }, () => uuidv7());
    const all = (call: (id: string) => Promise<unknown>) => () => Promise.all(ids.map(call));

    const statements = [
      ...(await statementsOf(all((id) => reserve(inventory, { hot: 1 }, id)))),
      ...(await statementsOf(all((id) => inventory.getReservation(id, soon())))),
      ...(await statementsOf(all(() => inventory.getStock(['hot'], false, soon())))),
      ...(await statementsOf(all((id) => inventory.commit(id, soon())))),
    ];
    expect(statements).to.deep.equal([
      'inventory.reserve_stock',
      'inventory.find_reservation',
      'inventory.read_stock',
      'inventory.settle_reservations',
    ]);
    expect(await levelOf(inventory, 'hot')).to.equal('0/0');

    expect(await statementsOf(all((id) => inventory.release({ id }, soon())))).to.deep.equal([
      'inventory.settle_reservations',
    ]);
    expect(await levelOf(inventory, 'hot')).to.equal('64/0');
  });

  it('decide scarce stock in the order of arrival', async () => {
    await stock(inventory, { scarce: 7, plenty: 100 });
    const calls = Array.from({ length: 12 }, () => reserve(inventory, { scarce: 1, plenty: 2 }));

    expect(await Promise.all(calls.map(outcomeOf))).to.deep.equal([
      ...Array.from({ length: 7 }, () => 'OK'),
      ...Array.from({ length: 5 }, () => 'OUT_OF_STOCK'),
    ]);
    expect([await levelOf(inventory, 'scarce'), await levelOf(inventory, 'plenty')]).to.deep.equal([
      '7/7',
      '100/14',
    ]);
  });

  it('keep the results of a batch whose later statement fails', async () => {
    await stock(inventory, { scarce: 1, plenty: 9 });
    const cold = reserve(inventory, { plenty: 1 });
    const hot = [reserve(inventory, { scarce: 1 }), reserve(inventory, { scarce: 1 })];
    recording.failBefore.set('inventory.reserve_stock', [null, new Error('the connection is lost')]);

    expect(await outcomeOf(cold)).to.equal('OK');
    for (const call of hot) expect(await call.catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect([await levelOf(inventory, 'scarce'), await levelOf(inventory, 'plenty')]).to.deep.equal([
      '1/0',
      '9/1',
    ]);
  });

  it('do not delay calls for other SKUs while another transaction holds the stock of one', async () => {
    await stock(inventory, { hot: 9, cold: 9 });
    const held = await holdSku(database, 'hot');
    const hot = reserve(inventory, { hot: 1 });
    const cold = Array.from({ length: 20 }, () => reserve(inventory, { cold: 1 }));

    expect(await Promise.race([hot, Promise.allSettled(cold).then(() => 'cold')])).to.equal('cold');
    held.release();
    expect((await hot).state).to.equal('RESERVED');
  });

  it('reject a call as CONFLICT when the stock stays locked, and change nothing', async () => {
    await stock(inventory, { hot: 9 });
    const held = await holdSku(database, 'hot');

    expect(await outcomeOf(reserve(inventory, { hot: 1 }))).to.equal('CONFLICT');
    held.release();
    expect(await levelOf(inventory, 'hot')).to.equal('9/0');
  });

  it('give the answers and the rows of single calls', async () => {
    const index = fc.nat(9);
    const lines = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'missing'), fc.integer({ min: 1, max: 6 }), {
      minKeys: 1,
    });
    const reserves = fc.record({ kind: fc.constant('RESERVE' as const), index, units: lines });
    const settlements = fc.record({ kind: fc.constantFrom('COMMIT' as const, 'RELEASE' as const), index });
    const round = fc.oneof(fc.array(reserves, { maxLength: 12 }), fc.array(settlements, { maxLength: 12 }));
    const single = await newDatabase();
    const [many, one] = [inventory, open(single.db, 1)];
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 8 }), async (rounds) => {
        const ids = Array.from({ length: 10 }, () => uuidv7());
        const prefix = ids[0] ?? '';
        const rows = readRows({ ids, skus: ['a', 'b', 'c'].map((sku) => `${prefix}.${sku}`) });
        for (const service of [many, one]) await stock(service, withPrefix(prefix, { a: 5, b: 12, c: 40 }));
        for (const generated of rounds) {
          const operations = generated.map((operation) => toOperation(operation, ids));
          const expected = [];
          for (const operation of operations) expected.push(await outcomeOf(execute(one, operation)));
          const answers = await Promise.all(
            operations.map((operation) => outcomeOf(execute(many, operation))),
          );
          expect(answers).to.deep.equal(expected);
          expect(await database.db.query(rows)).to.deep.equal(await single.db.query(rows));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('cause no deadlock and no inconsistent stock when two replicas change the same stock', async () => {
    const replicas = [
      await newReplica(database.url, 64),
      await newReplica(database.url, 64),
      await newReplica(database.url, 1),
    ];
    await stock(inventory, { a: 40, b: 40, c: 40, d: 40 });
    const random = seededRandom(7);
    const ids = Array.from({ length: 400 }, () => uuidv7());
    const calls = Array.from({ length: 2000 }, async (_, index) => {
      const replica = replicas[random(replicas.length)] ?? inventory;
      const id = ids[random(Math.min(ids.length, 20 + Math.floor(index / 4)))] ?? '';
      const kind = random(10);
      await new Promise((resolve) => setTimeout(resolve, random(1500)));
      if (kind < 5) return outcomeOf(reserve(replica, someUnits(random), id));
      if (kind < 7) return outcomeOf(replica.commit(id, soon()));
      if (kind < 9) return outcomeOf(replica.release({ id }, soon()));
      return random(4) === 0 ? outcomeOf(replica.sweep()) : outcomeOf(stock(replica, { a: 1 }));
    });
    const outcomes = new Set(await Promise.all(calls));

    expect(await deadlocksIn(database.db)).to.equal(0n);
    expect([...outcomes])
      .to.include('OK')
      .and.to.not.include('INTERNAL');
    for (const row of await database.db.query<{ sku: string; is_consistent: boolean }>(readSums()))
      expect(row.is_consistent, row.sku).to.equal(true);
  });
});

const soon = () => ({ deadline: Date.now() + 20_000 });

function reserve(service: InventoryService, units: Units, id = uuidv7()) {
  const lines = Object.entries(units)
    .map(([sku, quantity]) => ({ sku, quantity: BigInt(quantity) }))
    .toSorted((a, b) => (a.sku < b.sku ? -1 : 1));
  return service.reserve({ id, lines, ttlMs: undefined }, soon());
}

/** Gives a generated operation the id at its index, and SKUs that only this run uses. */
function toOperation(generated: Generated, ids: readonly string[]): Operation {
  const id = ids[generated.index] ?? '';
  if (generated.kind !== 'RESERVE') return { kind: generated.kind, id };
  return { kind: generated.kind, id, units: withPrefix(ids[0] ?? '', generated.units) };
}

function withPrefix(prefix: string, units: Units): Units {
  return Object.fromEntries(Object.entries(units).map(([sku, quantity]) => [`${prefix}.${sku}`, quantity]));
}

function execute(service: InventoryService, operation: Operation): Promise<unknown> {
  if (operation.kind === 'RESERVE') return reserve(service, operation.units, operation.id);
  if (operation.kind === 'COMMIT') return service.commit(operation.id, soon());
  return service.release({ id: operation.id }, soon());
}

async function stock(service: InventoryService, units: Units): Promise<void> {
  for (const [sku, quantity] of Object.entries(units))
    await service.adjust({ requestId: '', sku, delta: BigInt(quantity), reason: '', actor: '' }, soon());
}

/** Returns the level of a SKU as `onHand/reserved`. */
async function levelOf(service: InventoryService, sku: string): Promise<string | undefined> {
  const [level] = await service.getStock([sku], false, soon());
  return level && `${level.onHand}/${level.reserved}`;
}

function someUnits(random: (below: number) => number): Units {
  const skus = ['a', 'b', 'c', 'd'].filter(() => random(2) === 0);
  return Object.fromEntries((skus.length > 0 ? skus : ['a']).map((sku) => [sku, 1 + random(3)]));
}

/** Locks the stock row of a SKU until `release` is called. */
async function holdSku({ db }: TestDatabase, sku: string): Promise<{ release: () => void }> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: onLocked } = Promise.withResolvers<void>();
  void db.transaction(async (tx: Queryable) => {
    await tx.query(lockSku({ sku }));
    onLocked();
    await released;
  });
  await locked;
  return { release };
}
