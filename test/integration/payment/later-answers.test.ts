import { expect } from 'chai';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import type { PaymentChange } from '../../../pkg/payment/domain.js';
import type { GatewayEvent } from '../../../pkg/payment/gateway/gateway.js';
import { SimulatedEvents } from '../../../pkg/payment/gateway/simulated-events.js';
import { GatewayInbox } from '../../../pkg/payment/inbox/gateway-inbox.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { sql } from '../../../pkg/postgres/index.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aCapture,
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectInSync,
  paymentOf,
  repeatInDoubt,
  usd,
} from './requests.js';
import {
  createGateway,
  retryTimes,
  startPaymentServer,
  type PaymentClient,
  type PaymentTestServer,
} from './server.js';

const signal = new AbortController().signal;

describe('a payment with a later answer', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer({ PAYMENT_ACTION_DELAY: '300ms', PAYMENT_ACTION_TIMEOUT: '600ms' });
    ({ client } = server);
    await server.addReplica();
  });
  after(() => server.close());

  const until = (paymentId: string, state: PaymentState) =>
    waitFor(async () => (await audited(client, paymentId)).state === state, PaymentState[state]);

  it('is PENDING, then AUTHORIZED by an event', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_authorize_pending' });
    const error = await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    expect(error.retryAfterMs).to.be.greaterThan(0);
    const pending = await audited(client, request.paymentId);
    expect([pending.state, pending.audit?.pending]).to.deep.equal([PaymentState.PENDING, true]);
    await until(request.paymentId, PaymentState.AUTHORIZED);
    expect((await audited(client, request.paymentId)).audit?.pending).to.equal(false);
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    expectInSync(await audited(client, request.paymentId));
  });

  it('is ACTION_REQUIRED until the customer acts', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_action_required' });
    const waiting = paymentOf(await client.authorizePayment(request));
    expect(waiting.state).to.equal(PaymentState.ACTION_REQUIRED);
    expect(waiting.action?.url).to.contain(request.paymentId);
    expect(waiting.action?.dueTime).to.be.instanceOf(Date);
    await expectReason(
      client.authorizePayment(anAuthorization({ orderId: request.orderId })),
      'ILLEGAL_TRANSITION',
    );
    await expectReason(client.capturePayment(aCapture(request.paymentId)), 'ILLEGAL_TRANSITION');
    await waitFor(
      async () => paymentOf(await client.authorizePayment(request)).state === PaymentState.AUTHORIZED,
      'authorization after the action',
    );
    expect((await audited(client, request.paymentId)).action).to.equal(undefined);
    expectInSync(await audited(client, request.paymentId));
  });

  it('is EXPIRED if the customer does not act, and cannot be captured, refunded or voided', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_action_expires' });
    const { paymentId } = request;
    await client.authorizePayment(request);
    await until(paymentId, PaymentState.EXPIRED);
    for (const response of [
      await client.authorizePayment(request),
      await client.capturePayment(aCapture(paymentId)),
      await client.voidPayment({ paymentId }),
    ])
      expect(paymentOf(response).state).to.equal(PaymentState.EXPIRED);
    await expectReason(
      client.refundPayment({ requestId: 'r', paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    await authorized(client, { orderId: request.orderId });
    expectInSync(await audited(client, paymentId));
  });

  it('stays VOIDED if the void comes before the answer', async () => {
    for (const paymentMethod of ['pm_authorize_pending', 'pm_action_required']) {
      const request = anAuthorization({ paymentMethod });
      const { paymentId } = request;
      await client.authorizePayment(request).catch(() => undefined);
      expect(paymentOf(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.VOIDED);
      await until(paymentId, PaymentState.VOIDED);
      await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
      expectInSync(await audited(client, paymentId));
    }
  });

  it('has a pending refund that succeeds later', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_pending' });
    const request = { requestId: 'part', paymentId, amount: usd(400) };
    await expectReason(client.refundPayment(request), 'PAYMENT_IN_DOUBT');
    const pending = await audited(client, paymentId);
    expect([cents(pending.refundPendingAmount), cents(pending.refundedAmount)]).to.deep.equal([400, 0]);
    expect(pending.audit?.pending).to.equal(true);
    const refunded = paymentOf(await repeatInDoubt(() => client.refundPayment(request)));
    expect([cents(refunded.refundPendingAmount), cents(refunded.refundedAmount)]).to.deep.equal([0, 400]);
    expectInSync(await audited(client, paymentId));
    expect((await audited(client, paymentId)).audit?.pending).to.equal(false);
  });

  it('decides nothing about the remaining amount while a refund is pending that is declined later', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_pending_declined' });
    const operator = { requestId: 'operator', paymentId, amount: usd(400) };
    const rest = { requestId: 'rest', paymentId, amount: undefined };
    await expectReason(client.refundPayment(operator), 'PAYMENT_IN_DOUBT');
    await expectReason(client.refundPayment(rest), 'PAYMENT_IN_DOUBT');
    await expectReason(client.refundPayment({ ...rest, amount: usd(700) }), 'PAYMENT_IN_DOUBT');
    await expectReason(client.refundPayment({ ...rest, amount: usd(1001) }), 'REFUND_EXCEEDS_CAPTURE');
    const declined = await expectReason(
      repeatInDoubt(() => client.refundPayment(operator)),
      'REFUND_DECLINED',
    );
    expect(declined.metadata).to.deep.equal({ payment_id: paymentId, request_id: 'operator' });
    await expectReason(client.refundPayment(operator), 'REFUND_DECLINED');
    expect(cents((await audited(client, paymentId)).refundPendingAmount)).to.equal(0);
  });
});

describe('the inbox of the gateway', () => {
  let database: TestDatabase;
  let changes: string[];
  let received: GatewayEvent[];
  let payments: PaymentService;
  let refunds: RefundService;
  let inbox: GatewayInbox;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  beforeEach(() => {
    changes = [];
    received = [];
    const { db } = database;
    const events = { changed: ({ change }: PaymentChange) => void changes.push(change) };
    const deps = { db, gateway: createGateway(db), events, times: retryTimes };
    payments = aPaymentService(deps);
    refunds = new RefundService(deps);
    inbox = new GatewayInbox(deps);
  });
  after(() => database.drop());

  const simulated = (random: number, deliver?: (event: GatewayEvent) => Promise<void>): SimulatedEvents =>
    new SimulatedEvents({
      db: database.db,
      random: () => random,
      newId: uuidv7,
      deliver: async (event) => {
        received.push(event);
        await (deliver ? deliver(event) : inbox.receive(event));
      },
    });
  const authorize = async (method: string): Promise<string> => {
    const paymentId = uuidv7();
    const amount = { currency: 'USD', minor: 1000n };
    const call = payments.authorize({ paymentId, orderId: uuidv7(), amount, method }, signal);
    if (method === 'pm_authorize_pending') await expectReason(call, 'PAYMENT_IN_DOUBT');
    else await call;
    return paymentId;
  };

  it('applies an event once when it is delivered twice', async () => {
    const paymentId = await authorize('pm_authorize_pending');
    await simulated(0).deliverDue(signal);
    expect(received.map(({ key }) => key)).to.deep.equal([paymentId, paymentId]);
    expect(new Set(received.map(({ id }) => id)).size).to.equal(1);
    expect(changes).to.deep.equal(['AUTHORIZE']);
    expect((await payments.get(paymentId)).state).to.equal('AUTHORIZED');
  });

  it('applies a repeated refund event once, also after the payment has changed', async () => {
    const paymentId = await authorize('pm_refund_pending');
    await payments.capture(paymentId, undefined, signal);
    const request = { paymentId, requestId: 'r', amount: { currency: 'USD', minor: 300n } };
    await expectReason(refunds.refund(request, signal), 'PAYMENT_IN_DOUBT');
    await simulated(0).deliverDue(signal);
    for (const event of received) await inbox.receive(event);
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE', 'REFUND']);
    expect((await payments.get(paymentId)).charge).to.include({ refunded: 300n, refundPending: 0n });
  });

  it('receives an event again if its effect was not stored', async () => {
    const paymentId = await authorize('pm_authorize_pending');
    const failing = simulated(1, () => Promise.reject(new Error('the service is down')));
    expect(await failureOf(failing.deliverDue(signal))).to.be.instanceOf(AggregateError);
    expect((await payments.get(paymentId)).state).to.equal('PENDING');
    const retrying = simulated(1);
    await waitFor(async () => {
      await retrying.deliverDue(signal);
      return (await payments.get(paymentId)).state === 'AUTHORIZED';
    }, 'repeated event');
    expect(changes).to.deep.equal(['AUTHORIZE']);
  });

  it('receives each event once from several replicas of the gateway, and then no event', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, () => authorize('pm_authorize_pending')));
    const replicas = [simulated(1), simulated(1), simulated(1)];
    await Promise.all(replicas.map((replica) => replica.deliverDue(signal)));
    expect(received.map(({ key }) => key)).to.have.members(ids);
    received.length = 0;
    await Promise.all(replicas.map((replica) => replica.deliverDue(signal)));
    expect(received).to.deep.equal([]);
    expect(changes.length).to.equal(60);
  });
});

describe('the events of the gateway', () => {
  it('are deleted seven days after their delivery', async () => {
    const { db, drop } = await createTestDatabase(paymentMigrations);
    const deliver = async (): Promise<void> => undefined;
    const insertEvents = sql(
      'test.insert_events',
      `with ages as (
         select gen_random_uuid() as id, now() - make_interval(days => days) as time from unnest(array[1, 6, 8, 9]) days
       ), inbox as (
         insert into gateway_inbox (event_id, payment_id, received_at) select id, id, time from ages
       )
       insert into gateway_events (event_id, charge_key, outcome, due_at, next_delivery_at, delivered_at)
       select id, id, 'APPROVED', time, time, time from ages
       union all select gen_random_uuid(), id, 'APPROVED', time, time, null from ages`,
    );
    await db.query(insertEvents());
    await new GatewayInbox({ db, events: { changed: () => undefined } }).prune(signal);
    await new SimulatedEvents({ db, random: () => 1, newId: uuidv7, deliver }).prune(signal);
    const count = sql(
      'test.count_events',
      `select (select count(*) from gateway_inbox)::int as received, count(delivered_at)::int as delivered,
         count(*) filter (where delivered_at is null)::int as pending
       from gateway_events`,
    );
    expect(await db.query(count())).to.deep.equal([{ received: 2, delivered: 2, pending: 4 }]);
    await drop();
  });
});
