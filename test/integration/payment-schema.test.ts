import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { dumpSchema } from '../../pkg/postgres/schema.js';
import { sql, type Database } from '../../pkg/postgres/index.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';

const authorized = '00000000-0000-7000-8000-000000000001';
const captured = '00000000-0000-7000-8000-000000000002';
const tombstone = '00000000-0000-7000-8000-000000000003';

const insertPayments = sql(
  'test.insert_payments',
  `insert into payments (id, order_id, currency, amount_minor, fingerprint, state, authorized_minor,
     captured_minor, gateway_reference)
   values ('${authorized}', '${authorized}', 'USD', 1000, 'x', 'AUTHORIZED', 1000, 0, 'ref'),
     ('${captured}', '${captured}', 'USD', 1000, 'x', 'CAPTURED', 1000, 600, 'ref'),
     ('${tombstone}', null, null, null, null, 'VOIDED', 0, 0, null)`,
);
const insertEntry = sql(
  'test.insert_entry',
  `insert into payment_ledger (payment_id, kind, amount_minor, request_key)
   values ('${authorized}', 'AUTHORIZE', 1000, '${authorized}')`,
);
const insertGatewayEntry = sql(
  'test.insert_gateway_entry',
  `with charge as (
     insert into gateway_charges (charge_key, voided) values ('${authorized}', true) returning charge_key
   )
   insert into gateway_ledger (charge_key, kind, amount_minor) select charge_key, 'VOID', 0 from charge`,
);

describe('the schema of payments', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
    ({ db } = database);
    await db.query(insertPayments);
    await db.query(insertEntry);
    await db.query(insertGatewayEntry);
  });
  after(() => database.drop());

  it('is the one in schema.sql', async () => {
    const committed = await readFile(new URL('../../pkg/payment/schema.sql', import.meta.url), 'utf8');
    expect(await dumpSchema(db)).to.equal(committed);
  });

  const impossible = {
    'refunds of more than was captured': ['payments_amounts_ordered', captured, 'refund_pending_minor = 601'],
    'refunds, with those pending, of more than was captured': [
      'payments_amounts_ordered',
      captured,
      `state = 'PARTIALLY_REFUNDED', refunded_minor = 300, refund_pending_minor = 301`,
    ],
    'negative refunds': ['payments_amounts_ordered', captured, 'refund_pending_minor = -1'],
    'a capture of more than was authorized': ['payments_amounts_ordered', captured, 'captured_minor = 1001'],
    'an authorization of more than was asked for': [
      'payments_amounts_fit_state',
      authorized,
      'authorized_minor = 1001',
    ],
    'a capture of nothing': ['payments_amounts_fit_state', captured, 'captured_minor = 0'],
    'money taken without a capture': ['payments_amounts_fit_state', authorized, 'captured_minor = 1'],
    'money kept by a void': ['payments_amounts_fit_state', captured, `state = 'VOIDED'`],
    'a whole refund of a part': [
      'payments_amounts_fit_state',
      captured,
      `state = 'REFUNDED', refunded_minor = 599`,
    ],
    'a partial refund of all': [
      'payments_amounts_fit_state',
      captured,
      `state = 'PARTIALLY_REFUNDED', refunded_minor = 600`,
    ],
    'an amount over the limit': ['payments_amount_in_range', authorized, 'amount_minor = 9007199254740992'],
    'an unknown state': ['payments_state_known', authorized, `state = 'LOST'`],
    'a decline without a code': [
      'payments_decline_fits_state',
      authorized,
      `state = 'DECLINED', authorized_minor = 0, gateway_reference = null`,
    ],
    'a code without a decline': ['payments_decline_fits_state', authorized, `decline_code = 'CARD_EXPIRED'`],
    'an authorization without the reference of the gateway': [
      'payments_reference_if_authorized',
      authorized,
      'gateway_reference = null',
    ],
    'a tombstone that lives': [
      'payments_tombstone_is_bare',
      tombstone,
      `state = 'DECLINED',
       decline_code = 'CARD_EXPIRED', decline_advice = 'DO_NOT_RETRY'`,
    ],
    'half a tombstone': ['payments_tombstone_is_bare', tombstone, 'amount_minor = 1000'],
    'money released of a payment that was made': [
      'payments_released_fits_state',
      authorized,
      `released_minor = 1, released_currency = 'USD'`,
    ],
    'a void that is owed of a live payment': [
      'payments_void_retry_fits_state',
      authorized,
      'void_retry_at = now()',
    ],
    'two live payments of an order': ['payments_live_order', captured, `order_id = '${authorized}'`],
  } as const;
  for (const [index, [what, [constraint, id, change]]] of Object.entries(impossible).entries()) {
    it(`cannot hold ${what}`, async () => {
      const update = sql(`test.break_${index}`, `update payments set ${change} where id = '${id}'`);
      expect(await failureOf(db.query(update))).to.have.property('constraint', constraint);
    });
  }

  for (const table of ['payment_ledger', 'gateway_ledger']) {
    it(`keeps ${table} as it was written`, async () => {
      for (const change of [`update ${table} set amount_minor = 1`, `delete from ${table}`]) {
        const failure = await failureOf(db.query(sql(`test.${change.slice(0, 40)}`, change)));
        expect(failure.message).to.equal(`${table} is append-only`);
      }
    });
  }
});
