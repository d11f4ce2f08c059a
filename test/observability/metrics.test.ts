import { expect } from 'chai';
import { getOrder } from '../../cmd/test-client/context/queries.js';
import type { Product } from '../../cmd/test-client/context/actions.js';
import { isAppError } from '../../pkg/errors/index.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { aProduct, buy } from './orders.js';
import { documentedSeries, promisedSeries } from './promised-metrics.js';
import { needs, running } from './running.js';
import { eventuallyPasses } from './waiting.js';

const create = 'service="order-service", method="order.v1.OrderService/CreateOrder"';
const toPayment = 'service="order-service", target="payment-service", status="OK"';
const units = 2;
const cost = 900;

/**
 * How much each series increases when three orders are confirmed, one is declined, one is out of stock, and one unknown
 * order is queried.
 */
function expectedIncreases({ sku }: Product): Record<string, number> {
  const reservations = (status: string): string =>
    `inventory_reservations_total{product="${sku}", status="${status}"}`;
  const step = (name: string, outcome: string): string =>
    `saga_step_duration_seconds_count{step="${name}", outcome="${outcome}"}`;
  return {
    [`requests_total{${create}, status="OK"}`]: 5,
    [`request_duration_seconds_count{${create}}`]: 5,
    [`request_duration_seconds_bucket{${create}, le="+Inf"}`]: 5,
    'requests_total{service="order-service", method="order.v1.OrderService/GetOrder", status="NOT_FOUND"}': 1,
    'requests_total{service="payment-service", method="payment.v1.PaymentService/CapturePayment", status="OK"}': 3,
    [`client_requests_total{${toPayment}, method="payment.v1.PaymentService/AuthorizePayment"}`]: 4,
    'client_request_duration_seconds_count{target="payment-service", method="payment.v1.PaymentService/CapturePayment"}': 3,
    'orders_created_total{status="success"}': 3,
    'orders_created_total{status="failed"}': 2,
    'payments_processed_total{status="authorized"}': 3,
    'payments_processed_total{status="captured"}': 3,
    'payments_processed_total{status="declined"}': 1,
    'payments_processed_total{status="refunded"}': 0,
    'payment_declines_total{code="INSUFFICIENT_FUNDS"}': 1,
    'payments_amount_minor_units_total{currency="USD", status="captured"}': 3 * cost,
    [reservations('reserved')]: 4,
    [reservations('committed')]: 3,
    [reservations('released')]: 1,
    [reservations('refused')]: 1,
    [`current_stock{product="${sku}"}`]: -3 * units,
    [step('RESERVE_STOCK', 'succeeded')]: 4,
    [step('RESERVE_STOCK', 'refused')]: 1,
    [step('AUTHORIZE_PAYMENT', 'refused')]: 1,
    [step('CAPTURE_PAYMENT', 'succeeded')]: 3,
    'max by (state) (orders_by_state{state="CONFIRMED"})': 3,
    'max by (state) (orders_by_state{state="REJECTED"})': 2,
    'max by (state) (inventory_reservations_by_state{state="COMMITTED"})': 3,
  };
}

type Reading = Record<string, number>;

/** Returns the sum of each series, or 0 if the series does not exist. */
async function read(series: readonly string[]): Promise<Reading> {
  const readings = series.map(async (one) => {
    const samples = await running('prometheus').query(`sum(${one})`);
    return [one, samples[0]?.value ?? 0] as const;
  });
  return Object.fromEntries(await Promise.all(readings));
}

/**
 * Waits until Prometheus has scraped new readings of the database gauges from every service. A service caches these readings
 * for up to 15 s.
 */
async function settle(): Promise<void> {
  const readingLifetimeMs = 16_000;
  const since = Date.now() / 1000 + readingLifetimeMs / 1000;
  await eventuallyPasses(async () => {
    const scraped = await running('prometheus').query('min(timestamp(up{job=~".+-service"}))');
    expect(scraped[0]?.value).to.be.greaterThan(since);
  }, readingLifetimeMs + 20_000);
}

async function queryUnknownOrder(): Promise<void> {
  const { context } = running('system');
  const refused = await getOrder(context, uuidv7()).catch((error: unknown) => error);
  expect(isAppError(refused, 'ORDER_NOT_FOUND'), String(refused)).to.equal(true);
}

describe('Metrics', function () {
  this.timeout(120_000);
  needs('prometheus');

  it('exist if they are promised or documented', async () => {
    await buy();
    const documented = documentedSeries();
    expect(documented).to.not.have.length(0);
    await eventuallyPasses(async () => {
      const all = [...promisedSeries, ...documented];
      const counts = await Promise.all(all.map((one) => running('prometheus').query(`count(${one})`)));
      expect(all.filter((_, index) => counts[index]?.length === 0)).to.deep.equal([]);
    });
  });

  it('increase exactly as expected after several orders and a failed query', async () => {
    const product = await aProduct();
    const expected = expectedIncreases(product);
    const series = Object.keys(expected);
    await settle();
    const before = await read(series);
    for (const _ of [1, 2, 3]) await buy({ product, units });
    await buy({ product, units, paymentMethod: 'pm_decline_insufficient_funds' });
    await buy({ product, units: 1000 });
    await queryUnknownOrder();
    await eventuallyPasses(async () => {
      const after = await read(series);
      const increases = series.map((one) => [one, (after[one] ?? 0) - (before[one] ?? 0)]);
      expect(Object.fromEntries(increases)).to.deep.equal(expected);
    }, 40_000);
  });
});
