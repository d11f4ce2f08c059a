import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { sql } from '../../../pkg/postgres/index.js';
import { recentSpans } from '../../support/rpc/span-recorder.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { aCapture, anAuthorization, authorized, captured, makeRefundDue, usd } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';
import { createScraper, type Scraper } from '../../support/scrape.js';

const ageRefund = sql(
  'test.age_refund',
  `update refunds set created_at = now() - interval '1 hour' where payment_id = $paymentId`,
);
const insertPendingVoid = sql(
  'test.insert_pending_void',
  `insert into payments (id, state, void_retry_at) values ($paymentId, 'VOIDED', now())`,
);

describe('payment metrics', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;
  let scraper: Scraper;

  before(async () => {
    scraper = await createScraper();
    // The long interval disables the background work.
    server = await startPaymentServer({ ...scraper.env, REFUND_RESOLVE_INTERVAL: '10m' });
    ({ client } = server);
  });
  after(() => server.close());

  it('count each amount once, even when requests are repeated', async () => {
    const { paymentId } = await authorized(client);
    for (let repeats = 0; repeats < 2; repeats += 1) {
      await client.capturePayment(aCapture(paymentId, usd(700)));
      await client.refundPayment({ requestId: 'r-1', paymentId, amount: usd(200) });
    }
    await client.refundPayment({ requestId: 'r-2', paymentId, amount: usd(100) });
    await client.voidPayment({ paymentId: (await authorized(client)).paymentId });
    await client.authorizePayment(anAuthorization({ paymentMethod: 'pm_decline_card_expired' }));
    await client.voidPayment({ paymentId: uuidv7() });

    expect(await scraper.lines('payments_amount_minor_units_total')).to.have.members([
      'payments_amount_minor_units_total{currency="USD",status="authorized"} 2000',
      'payments_amount_minor_units_total{currency="USD",status="captured"} 700',
      'payments_amount_minor_units_total{currency="USD",status="voided"} 1000',
      'payments_amount_minor_units_total{currency="USD",status="refunded"} 300',
      'payments_amount_minor_units_total{currency="USD",status="externally_refunded"} 0',
    ]);
  });

  it('show the number of unconfirmed refunds and their maximum age', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const refund = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(refund), 'PAYMENT_IN_DOUBT');
    await server.db.query(ageRefund({ paymentId }));
    const isShown = async (line: string): Promise<boolean> =>
      (await scraper.lines('payments_')).includes(line);
    await waitFor(() => isShown('payments_in_doubt{kind="refund"} 1'), 'unconfirmed refund in the metrics');
    expect(await isShown('payments_in_doubt{kind="void"} 0')).to.equal(true);
    const [age] = await scraper.lines('payments_oldest_in_doubt_age_seconds');
    expect(Number(age?.split(' ')[1])).to.be.at.least(3600);

    await server.db.query(makeRefundDue({ paymentId }));
    await client.refundPayment(refund);
    await waitFor(() => isShown('payments_in_doubt{kind="refund"} 0'), 'confirmed refund in the metrics');
    expect(await isShown('payments_oldest_in_doubt_age_seconds 0')).to.equal(true);
  });

  it('show the number of payments without an answer, and of payments that wait for their customer', async () => {
    const isShown = async (line: string): Promise<boolean> =>
      (await scraper.lines('payments_')).includes(line);
    const pending = anAuthorization({ paymentMethod: 'pm_fail_9_then_approve' });
    await expectReason(client.authorizePayment(pending), 'PAYMENT_IN_DOUBT');
    const waiting = anAuthorization({ paymentMethod: 'pm_action_expires' });
    await client.authorizePayment(waiting);
    await waitFor(() => isShown('payments_in_doubt{kind="authorization"} 1'), 'pending authorization');
    await waitFor(() => isShown('payments_action_required 1'), 'payment that waits for its customer');

    for (const { paymentId } of [pending, waiting]) await client.voidPayment({ paymentId });
    await waitFor(() => isShown('payments_in_doubt{kind="authorization"} 0'), 'ended authorization');
    await waitFor(() => isShown('payments_action_required 0'), 'ended payment');
  });

  it('show the number of unconfirmed voids', async () => {
    const paymentId = uuidv7();
    await server.db.query(insertPendingVoid({ paymentId }));
    const isShown = async (): Promise<boolean> =>
      (await scraper.lines('payments_in_doubt')).includes('payments_in_doubt{kind="void"} 1');
    await waitFor(isShown, 'unconfirmed void in the metrics');
    await client.voidPayment({ paymentId });
  });
});

describe('payment background work', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer({ REFUND_RESOLVE_INTERVAL: '100ms' });
    ({ client } = server);
  });
  after(() => server.close());

  function spansOf(name: string, paymentId: string): ReadableSpan[] {
    return recentSpans().filter((span) => span.name === name && span.attributes['payment.id'] === paymentId);
  }

  it('has a separate trace per refund', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const refund = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(refund), 'PAYMENT_IN_DOUBT');
    await waitFor(() => spansOf('payment.finish_refund', paymentId).length > 0, 'span of the refund');

    const [span] = spansOf('payment.finish_refund', paymentId);
    expect(span?.parentSpanContext).to.equal(undefined);
    expect(span?.status.code).to.equal(SpanStatusCode.UNSET);
    const traceId = span?.spanContext().traceId;
    const statements = recentSpans().filter((recorded) => recorded.spanContext().traceId === traceId);
    expect(statements.map(({ name }) => name)).to.include('EXECUTE refund.settle');
  });

  it('has a separate trace per void', async () => {
    const paymentId = uuidv7();
    await server.db.query(insertPendingVoid({ paymentId }));
    await waitFor(() => spansOf('payment.confirm_void', paymentId).length > 0, 'span of the void');

    const [span] = spansOf('payment.confirm_void', paymentId);
    expect(span?.parentSpanContext).to.equal(undefined);
    expect(span?.status.code).to.equal(SpanStatusCode.UNSET);
  });
});
