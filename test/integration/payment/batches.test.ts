import { expect } from 'chai';
import * as fc from 'fast-check';
import { isAppError } from '../../../pkg/errors/index.js';
import { ChargeBatches } from '../../../pkg/payment/gateway/charge-batches.js';
import { SimulatedGateway } from '../../../pkg/payment/gateway/simulated-gateway.js';
import { paymentMigrations, PaymentBatches, PaymentService } from '../../../pkg/payment/index.js';
import { sql, type Database } from '../../../pkg/postgres/index.js';
import { pause, Scope, uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { RecordingDatabase } from '../../support/recording-database.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { gatewayConfig, retryTimes } from './server.js';

const { signal } = new AbortController();
const amount = { currency: 'USD', minor: 1000n };
const methods = ['pm_approve', 'pm_decline_insufficient_funds', 'pm_capture_declined'] as const;

const readRows = sql(
  'test.payment_rows',
  `select p.id, p.state, p.captured_minor, p.decline_code, p.capture_decline_code,
     array(select kind || ' ' || amount_minor from payment_ledger where payment_id = p.id order by id) as ledger,
     array(select kind || ' ' || amount_minor from gateway_ledger where charge_key = p.id order by id) as gateway
   from payments p where id = any ($ids::uuid[]) order by id`,
);
const lockPayment = sql('test.lock_payment', 'select from payments where id = $id for update');
const countDeadlocks = sql(
  'test.payment_deadlocks',
  'select deadlocks::int from pg_stat_database where datname = current_database()',
);

interface Operation {
  readonly kind: 'AUTHORIZE' | 'CAPTURE' | 'VOID' | 'GET';
  readonly payment: number;
  readonly order: number;
  readonly method: (typeof methods)[number];
}

describe('PaymentBatches', () => {
  let scope: Scope;
  let database: TestDatabase;
  let recording: RecordingDatabase;

  /** Opens the service as one replica with batches of up to `maxItems`. */
  const open = (db: Database, maxItems: number): PaymentService => {
    const batching = { maxItems };
    const charges = scope.use(new ChargeBatches(db, batching));
    const gateway = new SimulatedGateway({
      db,
      charges,
      config: gatewayConfig,
      random: () => 1,
      wait: pause,
      newId: uuidv7,
    });
    const batches = scope.use(new PaymentBatches(db, { batching, leaseMs: retryTimes.leaseMs }));
    return new PaymentService({
      db,
      batches,
      gateway,
      events: { changed: () => undefined },
      times: retryTimes,
    });
  };
  const newDatabase = async (): Promise<TestDatabase> => {
    const created = await createTestDatabase(paymentMigrations);
    scope.defer(created.drop);
    return created;
  };

  beforeEach(async () => {
    scope = new Scope();
    database = await newDatabase();
    recording = new RecordingDatabase(database.db);
  });
  afterEach(() => scope.close());

  it('authorize and capture 64 payments with six statements', async () => {
    const payments = open(recording, 64);
    const ids = Array.from({ length: 64 }, () => uuidv7());

    const authorized = await Promise.all(
      ids.map((paymentId) =>
        payments.authorize({ paymentId, orderId: uuidv7(), amount, method: 'pm_approve' }, signal),
      ),
    );
    const captured = await Promise.all(ids.map((id) => payments.capture(id, undefined, signal)));

    expect(new Set(authorized.map(({ state }) => state))).to.deep.equal(new Set(['AUTHORIZED']));
    expect(captured.map(({ id, state }) => [id, state])).to.deep.equal(ids.map((id) => [id, 'CAPTURED']));
    expect(recording.statements).to.deep.equal([
      'intent.insert',
      'gateway.decide',
      'intent.record_answer',
      'payment.find',
      'gateway.capture',
      'payment.capture',
    ]);
  });

  it('do not delay other payments while another transaction holds a row', async () => {
    const payments = open(database.db, 64);
    const ids = Array.from({ length: 20 }, () => uuidv7());
    for (const paymentId of ids)
      await payments.authorize({ paymentId, orderId: uuidv7(), amount, method: 'pm_approve' }, signal);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: locked, resolve: onLocked } = Promise.withResolvers<void>();
    const [held = '', ...others] = ids;
    const holder = database.db.transaction(async (tx) => {
      await tx.query(lockPayment({ id: held }));
      onLocked();
      await released;
    });
    await locked;

    const blocked = payments.capture(held, undefined, signal);
    const rest = Promise.all(others.map((id) => payments.capture(id, undefined, signal)));
    expect(await Promise.race([blocked.catch(() => 'held'), rest])).to.have.length(others.length);
    await expectReason(blocked, 'PAYMENT_IN_DOUBT');

    release();
    await holder;
    expect((await payments.capture(held, undefined, signal)).state).to.equal('CAPTURED');
  });

  it('give the answers and the rows of single calls', async () => {
    const single = await newDatabase();
    const [many, one] = [open(database.db, 64), open(single.db, 1)];
    const kind = fc.constantFrom('AUTHORIZE' as const, 'CAPTURE' as const, 'VOID' as const);
    // Concurrent calls for one payment have no fixed order, so each round has one call for each payment.
    const round = fc.uniqueArray(
      fc.record({ kind, payment: fc.nat(9), method: fc.constantFrom(...methods) }),
      { selector: ({ payment }) => payment, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (rounds) => {
        const ids = Array.from({ length: 10 }, () => uuidv7());
        const orders = ids.map(() => uuidv7());
        for (const calls of rounds) {
          const operations = calls.map((call) => Object.assign({}, call, { order: call.payment }));
          const expected = [];
          for (const operation of operations) expected.push(await outcomeOf(one, operation, { ids, orders }));
          const answers = operations.map((operation) => outcomeOf(many, operation, { ids, orders }));
          expect(await Promise.all(answers)).to.deep.equal(expected);
          const rows = readRows({ ids });
          expect(await database.db.query(rows)).to.deep.equal(await single.db.query(rows));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('charge and capture each payment once, without deadlocks, when three replicas receive the same calls', async () => {
    const replicas = [open(database.db, 64), open(database.db, 64), open(database.db, 1)];
    const operation = fc.record({
      kind: fc.constantFrom('AUTHORIZE' as const, 'CAPTURE' as const, 'VOID' as const, 'GET' as const),
      payment: fc.nat(7),
      order: fc.nat(3),
      method: fc.constantFrom(...methods),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 20, maxLength: 120 }), async (operations) => {
        const ids = Array.from({ length: 8 }, () => uuidv7());
        const orders = Array.from({ length: 4 }, () => uuidv7());
        await Promise.all(
          operations.map((call, index) =>
            outcomeOf(replicas[index % replicas.length] as PaymentService, call, { ids, orders }),
          ),
        );
        for (const row of await database.db.query<{ gateway: string[] }>(readRows({ ids }))) {
          expect(row.gateway.filter((entry) => entry.startsWith('AUTHORIZE'))).to.have.length.at.most(1);
          expect(row.gateway.filter((entry) => entry.startsWith('CAPTURE'))).to.have.length.at.most(1);
        }
      }),
      { numRuns: 25 },
    );
    expect(await database.db.query(countDeadlocks())).to.deep.equal([{ deadlocks: 0 }]);
  });
});

/** Returns the state of the payment, or the reason of the error. */
async function outcomeOf(
  service: PaymentService,
  { kind, payment, order, method }: Operation,
  { ids, orders }: { readonly ids: readonly string[]; readonly orders: readonly string[] },
): Promise<string> {
  const paymentId = ids[payment] ?? '';
  const orderId = orders[order] ?? '';
  const call = {
    AUTHORIZE: () => service.authorize({ paymentId, orderId, amount, method }, signal),
    CAPTURE: () => service.capture(paymentId, undefined, signal),
    VOID: () => service.void(paymentId, signal),
    GET: () => service.get(paymentId),
  }[kind];
  try {
    return (await call()).state;
  } catch (error) {
    if (isAppError(error)) return error.reason;
    throw error;
  }
}
