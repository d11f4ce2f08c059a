import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { dumpSchema } from '../../../pkg/postgres/migrations/schema.js';
import { sql, type Database } from '../../../pkg/postgres/index.js';
import { failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';

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

describe('payment schema', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
    ({ db } = database);
    await db.query(insertPayments());
    await db.query(insertEntry());
    await db.query(insertGatewayEntry());
  });
  after(() => database.drop());

  it('equals schema.sql', async () => {
    const committed = await readFile(new URL('../../../pkg/payment/schema.sql', import.meta.url), 'utf8');
    expect(await dumpSchema(db)).to.equal(committed);
  });

  const invalid = {
    'pending refunds of more than the captured amount': [
      'payments_amounts_ordered',
      captured,
      'refund_pending_minor = 601',
    ],
    'refunds and pending refunds whose sum exceeds the captured amount': [
      'payments_amounts_ordered',
      captured,
      `state = 'PARTIALLY_REFUNDED', refunded_minor = 300, refund_pending_minor = 301`,
    ],
    'negative pending refunds': ['payments_amounts_ordered', captured, 'refund_pending_minor = -1'],
    'a capture of more than the authorized amount': [
      'payments_amounts_ordered',
      captured,
      'captured_minor = 1001',
    ],
    'an authorization of more than the requested amount': [
      'payments_amounts_fit_state',
      authorized,
      'authorized_minor = 1001',
    ],
    'a capture of zero': ['payments_amounts_fit_state', captured, 'captured_minor = 0'],
    'a captured amount in state AUTHORIZED': ['payments_amounts_fit_state', authorized, 'captured_minor = 1'],
    'a captured amount in state VOIDED': ['payments_amounts_fit_state', captured, `state = 'VOIDED'`],
    'a full refund of less than the captured amount': [
      'payments_amounts_fit_state',
      captured,
      `state = 'REFUNDED', refunded_minor = 599`,
    ],
    'a partial refund of the whole captured amount': [
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
    'a decline code without a decline': [
      'payments_decline_fits_state',
      authorized,
      `decline_code = 'CARD_EXPIRED'`,
    ],
    'an authorization without a gateway reference': [
      'payments_reference_if_authorized',
      authorized,
      'gateway_reference = null',
    ],
    'a tombstone that is not VOIDED': [
      'payments_tombstone_is_bare',
      tombstone,
      `state = 'DECLINED',
       decline_code = 'CARD_EXPIRED', decline_advice = 'DO_NOT_RETRY'`,
    ],
    'a tombstone with an amount': ['payments_tombstone_is_bare', tombstone, 'amount_minor = 1000'],
    'a released amount of an authorized payment': [
      'payments_released_fits_state',
      authorized,
      `released_minor = 1, released_currency = 'USD'`,
    ],
    'a pending void of a live payment': [
      'payments_void_retry_fits_state',
      authorized,
      'void_retry_at = now()',
    ],
    'a PENDING payment without a time of its next look-up': [
      'payments_intents_are_looked_up',
      authorized,
      `state = 'PENDING', authorized_minor = 0, gateway_reference = null`,
    ],
    'an authorized amount of a PENDING payment': [
      'payments_intents_have_no_money',
      authorized,
      `state = 'PENDING', intent_retry_at = now(), requested_at = now()`,
    ],
    'ACTION_REQUIRED without an action': [
      'payments_action_fits_state',
      authorized,
      `state = 'ACTION_REQUIRED', intent_retry_at = now(), requested_at = now(), authorized_minor = 0,
       gateway_reference = null`,
    ],
    'an expired payment that is not VOIDED': ['payments_expired_fits_state', authorized, 'expired = true'],
    'an expired payment with a captured amount': [
      'payments_expired_were_not_captured',
      captured,
      `state = 'EXPIRED'`,
    ],
    'a declined capture of a payment that was never authorized': [
      'payments_capture_decline_fits_state',
      tombstone,
      `capture_decline_code = 'DO_NOT_HONOR', capture_decline_advice = 'DO_NOT_RETRY'`,
    ],
    'external refunds of more than the refunds': [
      'payments_external_refunds_are_refunds',
      captured,
      `state = 'PARTIALLY_REFUNDED', refunded_minor = 300, externally_refunded_minor = 301`,
    ],
    'two live payments of an order': [
      'payments_live_order_with_intents',
      captured,
      `order_id = '${authorized}'`,
    ],
    'an intent of an order with a live payment': [
      'payments_live_order_with_intents',
      captured,
      `order_id = '${authorized}', state = 'PENDING', intent_retry_at = now(), requested_at = now(),
       authorized_minor = 0, captured_minor = 0, gateway_reference = null`,
    ],
  } as const;
  for (const [index, [label, [constraint, id, change]]] of Object.entries(invalid).entries()) {
    it(`rejects ${label}`, async () => {
      const text = `update payments set ${change} where id = '${id}'`;
      const update = db.query({ name: `test.break_${index}`, text, values: [] });
      expect(await failureOf(update)).to.have.property('constraint', constraint);
    });
  }

  for (const table of ['payment_ledger', 'gateway_ledger']) {
    it(`rejects updates and deletions in ${table}`, async () => {
      for (const text of [`update ${table} set amount_minor = 1`, `delete from ${table}`]) {
        const failure = await failureOf(db.query({ name: `test.${text.slice(0, 40)}`, text, values: [] }));
        expect(failure.message).to.equal(`${table} is append-only`);
      }
    });
  }
});
