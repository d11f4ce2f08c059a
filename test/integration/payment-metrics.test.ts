import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { sql } from '../../pkg/postgres/index.js';
import { recentSpans } from '../../pkg/rpc/testing/span-recorder.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { anAuthorization, authorized, captured, usd } from './payment-requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './payment-server.js';
import { aScraper, type Scraper } from './scrape.js';

const askedAnHourAgo = sql(
  'test.refund_asked_an_hour_ago',
  `update refunds set created_at = now() - interval '1 hour' where payment_id = $1`,
);
const owedVoid = sql(
  'test.owed_void',
  `insert into payments (id, state, void_retry_at) values ($1, 'VOIDED', now())`,
);

describe('the metrics of payments', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;
  let scraper: Scraper;

  before(async () => {
    scraper = await aScraper();
    // Nothing is finished in the background unless a test says so.
    server = await startPaymentServer({ ...scraper.env, REFUND_RESOLVE_INTERVAL: '10m' });
    ({ client } = server);
  });
  after(() => server.close());

  it('add up the money that moved, each part once', async () => {
    const { paymentId } = await authorized(client);
    for (let repeats = 0; repeats < 2; repeats += 1) {
      await client.capturePayment({ paymentId, amount: usd(700) });
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
    ]);
  });

  it('show what the gateway has not confirmed, and since when, until it has', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const refund = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(refund), 'PAYMENT_IN_DOUBT');
    await server.db.query(askedAnHourAgo, [paymentId]);
    const isShown = async (line: string): Promise<boolean> =>
      (await scraper.lines('payments_')).includes(line);
    await waitFor(() => isShown('payments_in_doubt{kind="refund"} 1'), 'the refund');
    expect(await isShown('payments_in_doubt{kind="void"} 0')).to.equal(true);
    const [age] = await scraper.lines('payments_oldest_in_doubt_age_seconds');
    expect(Number(age?.split(' ')[1])).to.be.at.least(3600);

    await client.refundPayment(refund);
    await waitFor(() => isShown('payments_in_doubt{kind="refund"} 0'), 'the end of the doubt');
    expect(await isShown('payments_oldest_in_doubt_age_seconds 0')).to.equal(true);
  });

  it('count voids that the gateway has not confirmed, whoever owes them', async () => {
    const voided = uuidv7();
    await server.db.query(owedVoid, [voided]);
    const isShown = async (): Promise<boolean> =>
      (await scraper.lines('payments_in_doubt')).includes('payments_in_doubt{kind="void"} 1');
    await waitFor(isShown, 'the void');
    await client.voidPayment({ paymentId: voided });
  });
});

describe('what the payment service finishes in the background', () => {
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

  it('has a trace of its own: a refund', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const refund = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(refund), 'PAYMENT_IN_DOUBT');
    await waitFor(() => spansOf('payment.finish_refund', paymentId).length > 0, 'the refund');

    const [span] = spansOf('payment.finish_refund', paymentId);
    expect(span?.parentSpanContext).to.equal(undefined);
    expect(span?.status.code).to.equal(SpanStatusCode.UNSET);
    const traceId = span?.spanContext().traceId;
    const statements = recentSpans().filter((other) => other.spanContext().traceId === traceId);
    expect(statements.map(({ name }) => name)).to.include('EXECUTE refund.settle');
  });

  it('has a trace of its own: a void', async () => {
    const paymentId = uuidv7();
    await server.db.query(owedVoid, [paymentId]);
    await waitFor(() => spansOf('payment.confirm_void', paymentId).length > 0, 'the void');

    const [span] = spansOf('payment.confirm_void', paymentId);
    expect(span?.parentSpanContext).to.equal(undefined);
    expect(span?.status.code).to.equal(SpanStatusCode.UNSET);
  });
});
