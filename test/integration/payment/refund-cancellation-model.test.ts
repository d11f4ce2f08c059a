import { expect } from 'chai';
import fc from 'fast-check';
import { isAppError } from '../../../pkg/errors/index.js';
import { GatewayInbox } from '../../../pkg/payment/inbox/gateway-inbox.js';
import { SimulatedEvents } from '../../../pkg/payment/gateway/simulated-events.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
/** The captured amount is 1000, so not all refunds fit. */
const amounts = { a: 300n, b: 400n, c: 500n } as const;
type Key = keyof typeof amounts;
const keys = Object.keys(amounts) as Key[];
const gatewayCalls = ['refund', 'cancelRefund', 'lookupRefund'] as const;

type Event =
  | { readonly kind: 'refund' | 'cancel'; readonly key: Key }
  /** The next call of the gateway is lost before or after its effect. */
  | { readonly kind: 'loseRequest' | 'loseAnswer'; readonly method: (typeof gatewayCalls)[number] }
  /** The gateway decides its pending refunds and delivers each answer twice. */
  | { readonly kind: 'decide' }
  /** The background work attempts the pending refunds. */
  | { readonly kind: 'resolve' }
  /** Another replica takes the place of the replica. */
  | { readonly kind: 'restart' };

const weighted = <T extends Event>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  weighted(10, fc.record({ kind: fc.constantFrom('refund', 'cancel'), key: fc.constantFrom(...keys) })),
  weighted(
    2,
    fc.record({
      kind: fc.constantFrom('loseRequest', 'loseAnswer'),
      method: fc.constantFrom(...gatewayCalls),
    }),
  ),
  weighted(3, fc.record({ kind: fc.constantFrom('decide', 'resolve', 'restart') })),
);
/** The events of one round run concurrently. */
const anyRounds = fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 10,
});
const anyMethod = fc.constantFrom(
  'pm_approve',
  'pm_refund_answer_lost',
  'pm_refund_declined',
  'pm_refund_pending',
  'pm_refund_pending_declined',
);

const makeDue = sql('test.make_refunds_due', `update refunds set retry_at = now() where state = 'PENDING'`);
const refundEntries = sql(
  'test.refund_entries',
  `select request_key as key, amount_minor as amount from payment_ledger
   where payment_id = $paymentId and kind = 'REFUND' order by request_key`,
);

describe('refunds and their cancellations in any sequence', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;
  let payments: PaymentService;
  let refunds: RefundService;
  /** The first definite answer about each refund. */
  let decided: Map<Key, string>;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  after(() => database.drop());

  const events = { changed: (): void => undefined };
  const restart = (): void => {
    gateway = new FaultInjectingGateway(createGateway(database.db));
    const deps = { db: database.db, gateway, events, times: retryTimes };
    payments = aPaymentService(deps);
    refunds = new RefundService(deps);
  };
  const capture = async (method: string): Promise<string> => {
    const amount = { currency: 'USD', minor: 1000n };
    const paymentId = uuidv7();
    await payments.authorize({ paymentId, orderId: uuidv7(), amount, method }, signal);
    await payments.capture(paymentId, undefined, signal);
    return paymentId;
  };
  const decide = (): Promise<void> => {
    const { db } = database;
    const inbox = new GatewayInbox({ db, events });
    const deliver = inbox.receive.bind(inbox);
    return new SimulatedEvents({ db, random: () => 0, newId: uuidv7, deliver }).deliverDue(signal);
  };
  const resolve = async (): Promise<void> => {
    await database.db.query(makeDue());
    // A later round repeats an attempt that fails.
    await refunds.finishDueRefunds(signal).catch(() => undefined);
  };
  const refund = (paymentId: string, key: Key): Promise<string> => {
    const amount = { currency: 'USD', minor: amounts[key] };
    return refunds.refund({ paymentId, requestId: key, amount }, signal).then(() => 'SUCCEEDED', reasonOf);
  };
  const cancel = (paymentId: string, key: Key): Promise<string> => {
    const note = { actor: 'grace', reason: 'test' };
    const cancellation = refunds.cancel({ paymentId, requestId: key, note }, signal);
    return cancellation.then(
      (answer) => (answer.state === 'REJECTED' ? answer.reason : answer.state),
      reasonOf,
    );
  };
  const expectFirstAnswer = (key: Key, answer: string): void => {
    if (answer === 'PAYMENT_IN_DOUBT' || answer === 'PENDING') return;
    const state = answer === 'REFUND_CANCELLED' ? 'CANCELLED' : answer;
    expect(state, `refund ${key}`).to.equal(decided.get(key) ?? state);
    decided.set(key, state);
  };
  const run = async (paymentId: string, event: Event): Promise<void> => {
    switch (event.kind) {
      case 'refund':
        return expectFirstAnswer(event.key, await refund(paymentId, event.key));
      case 'cancel':
        return expectFirstAnswer(event.key, await cancel(paymentId, event.key));
      case 'loseRequest':
        return gateway.dropRequest(event.method);
      case 'loseAnswer':
        return gateway.dropResponse(event.method);
      case 'decide':
        return decide();
      case 'resolve':
        return resolve();
      case 'restart':
        return restart();
    }
  };

  const expectConsistent = async (paymentId: string): Promise<void> => {
    const { payment, record } = await payments.getWithAudit(paymentId, signal);
    const refunded = keys.filter((key) => decided.get(key) === 'SUCCEEDED');
    const total = refunded.reduce((sum, key) => sum + amounts[key], 0n);
    expect(payment?.charge).to.include({ refunded: total, refundPending: 0n });
    expect(record.refunded, 'refunded by the gateway').to.equal(total);
    const entries = refunded.map((key) => ({ key, amount: amounts[key] }));
    expect(await database.db.query(refundEntries({ paymentId }))).to.deep.equal(entries);
  };

  it('decide each refund once, like the gateway, and leave nothing pending', async () => {
    const property = fc.asyncProperty(anyMethod, anyRounds, async (method, rounds) => {
      decided = new Map();
      restart();
      const paymentId = await capture(method);
      for (const round of rounds) await Promise.all(round.map((event) => run(paymentId, event)));
      restart();
      await resolve();
      await decide();
      for (const key of keys) expectFirstAnswer(key, await cancel(paymentId, key));
      expect([...decided.keys()].toSorted()).to.deep.equal(keys);
      await expectConsistent(paymentId);
    });
    await fc.assert(property, { numRuns: 150 });
  });
});

function reasonOf(error: unknown): string {
  if (!isAppError(error)) throw error;
  return error.reason;
}
