import { money } from '../../../pkg/money/index.js';
import type { CreateOrderRequest, Order } from '../../../pkg/pb/order/v1/order.js';
import type { DevHandle } from '../../dev/start-dev.js';
import type { CallResult } from '../context/calls.js';
import { formatCounts, outcomeOf, countValues } from '../output/format.js';
import { formatMs } from '../output/latency.js';
import { paymentsOf, stockOfOne, waitForTerminalOrders } from '../context/queries.js';
import { inParallel } from '../context/parallel.js';
import { placeOrderWithRetry } from '../context/retry.js';
import { isTerminal } from '../../audit/checks/order-states.js';
import { orderRequest, stockProduct, tryPlaceOrder, type Product } from '../context/actions.js';
import type { Recorder } from '../output/recorder.js';
import { poll, withTimeout } from '../context/polling.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import type { Scenario } from './scenario.js';

const batchSize = 150;
const connections = 8;
/** Number of responses before the kill. */
const killAfter = 40;
/** Longest time from the kill until every order is terminal. */
const recoveryTimeoutMs = 30_000;
const parallelCalls = 32;

/** Payment methods that the batch uses in turn, each with the expected outcome. */
const methods = [
  ['pm_slow', 'CONFIRMED'],
  ['pm_approve', 'CONFIRMED'],
  ['pm_answer_lost', 'CONFIRMED'],
  ['pm_approve', 'CONFIRMED'],
  ['pm_decline_insufficient_funds', 'REJECTED PAYMENT_DECLINED'],
] as const;

type Method = (typeof methods)[number];

export const killed: Scenario = {
  number: 9,
  title: 'The order service is killed (SIGKILL) in the middle of a batch',
  skipReason: ({ dev }) =>
    dev ? undefined : 'test-client does not kill services that it did not start (*_SERVICE_ADDR is set)',
  async run(context, recorder) {
    if (!context.dev) return;
    const books = await stockProduct(context, { slug: 'book', price: money('USD', 2000), units: 1000 });
    const batch = Array.from({ length: batchSize }, (_, index) => batchRequest(context, books, index));
    recorder.info(
      `${batchSize} orders are placed at once: one fifth with a slow payment, one fifth with a lost response, one fifth with a declined card`,
    );
    const { results, killedAt } = await placeAndKill(context, recorder, { dev: context.dev, batch });
    const deadline = killedAt + recoveryTimeoutMs;
    const finalResults = await retryFailed(context, recorder, { batch, results, deadline });
    const orders = await waitForTerminalOrders(
      context,
      [context.name('batch')],
      deadline - performance.now(),
    );
    const terminalAfterMs = performance.now() - killedAt;
    recorder.note(
      `every order is terminal ${formatMs(terminalAfterMs)} after the kill: ${formatCounts(countValues(orders.map(outcomeOf)))}`,
    );
    recorder.check(
      'every order is terminal within 30 s of the kill',
      orders.filter((order) => !isTerminal(order)),
      [],
    );
    checkResults(recorder, { batch, firstResults: results, finalResults, orders });
    await checkCaptures(context, recorder, { orders, books });
  },
};

function batchRequest(context: ScenarioContext, books: Product, index: number): CreateOrderRequest {
  const [paymentMethod] = methodOf(index);
  return orderRequest(context, { customer: 'batch', items: [[books, 1]], paymentMethod });
}

function methodOf(index: number): Method {
  return methods[index % methods.length] as Method;
}

type OrderResult = CallResult<Order>;

async function placeAndKill(
  context: ScenarioContext,
  recorder: Recorder,
  { dev, batch }: { readonly dev: DevHandle; readonly batch: readonly CreateOrderRequest[] },
) {
  const { signal } = context;
  // The channels do not retry, so that every failed call is counted.
  const clients = context.connections(connections, { retry: false });
  let completed = 0;
  const placing = inParallel(batch, batchSize, async (request, index): Promise<OrderResult> => {
    const client = clients[index % connections];
    const result = await tryPlaceOrder(context, request, client ? { client } : {});
    completed += 1;
    return result;
  });
  const wait = { timeoutMs: recoveryTimeoutMs, signal };
  const hasEnough = () => Promise.resolve(completed >= killAfter ? true : undefined);
  if (!(await poll(hasEnough, wait)))
    throw new Error(`only ${completed} responses within ${recoveryTimeoutMs / 1000} s`);
  const pid = await withTimeout(dev.kill('order-service'), 'order-service was not killed', wait);
  const killedAt = performance.now();
  const results = await placing;
  const failed = results.filter(({ error }) => error).length;
  recorder.note(`order-service (pid ${pid}) killed: ${batchSize - failed} calls succeeded, ${failed} failed`);
  recorder.check('some calls succeeded and some failed', failed > 0 && failed < batchSize, true);
  await withTimeout(dev.restarted('order-service'), 'order-service was not restarted', wait);
  recorder.note(`order-service is ready again ${formatMs(performance.now() - killedAt)} after the kill`);
  return { results, killedAt };
}

interface RetryFailed {
  readonly batch: readonly CreateOrderRequest[];
  readonly results: readonly OrderResult[];
  /** End of the retries on the clock of `performance.now()`. */
  readonly deadline: number;
}

async function retryFailed(
  context: ScenarioContext,
  recorder: Recorder,
  { batch, results, deadline }: RetryFailed,
) {
  recorder.info('each failed request is retried with the same request_id until it succeeds');
  return inParallel(batch, parallelCalls, async (request, index): Promise<OrderResult | undefined> => {
    const result = results[index];
    return result?.error ? await placeOrderWithRetry(context, request, { deadline }) : result;
  });
}

interface Batch {
  readonly batch: readonly CreateOrderRequest[];
  readonly firstResults: readonly OrderResult[];
  readonly finalResults: readonly (OrderResult | undefined)[];
  readonly orders: readonly Order[];
}

function checkResults(recorder: Recorder, { batch, firstResults, finalResults, orders }: Batch): void {
  const errors = finalResults.flatMap((result) => result?.error?.reason ?? []);
  recorder.check('every request succeeds in the end', errors, []);
  const acknowledged = new Set(finalResults.flatMap((result) => result?.value?.orderId ?? []));
  const listed = new Set(orders.map(({ orderId }) => orderId));
  recorder.check(
    'each request has exactly one order',
    [acknowledged.size, listed.size],
    [batch.length, batch.length],
  );
  const lost = [...acknowledged].filter((id) => !listed.has(id));
  recorder.check('no acknowledged order is lost', lost, []);

  const outcomes = new Map(orders.map((order) => [order.orderId, outcomeOf(order)]));
  const changed = firstResults.filter(
    ({ value }) => value && isTerminal(value) && outcomes.get(value.orderId) !== outcomeOf(value),
  );
  recorder.check('outcomes in responses before the kill have not changed', changed, []);
  const byKey = new Map(orders.map((order) => [order.requestId, outcomeOf(order)]));
  const unexpected = batch.filter(({ requestId }, index) => byKey.get(requestId) !== methodOf(index)[1]);
  recorder.check(
    'every order has the outcome expected for its payment method',
    unexpected.map(({ paymentMethod }) => paymentMethod),
    [],
  );
}

async function checkCaptures(
  context: ScenarioContext,
  recorder: Recorder,
  { orders, books }: { readonly orders: readonly Order[]; readonly books: Product },
): Promise<void> {
  const captures = await inParallel(orders, parallelCalls, async (order) => {
    const payments = await paymentsOf(context, order);
    const count = payments.reduce((sum, { audit }) => sum + (audit?.captureCount ?? 0), 0);
    return `${outcomeOf(order)}: ${count} captures`;
  });
  const confirmed = orders.filter((order) => outcomeOf(order) === 'CONFIRMED').length;
  recorder.check(
    'the gateway ledger has one capture for each confirmed order and no capture for other orders',
    countValues(captures),
    {
      'CONFIRMED: 1 captures': confirmed,
      'REJECTED PAYMENT_DECLINED: 0 captures': orders.length - confirmed,
    },
  );
  const { onHand, reserved } = await stockOfOne(context, books.sku);
  recorder.check(
    'one unit is deducted for each confirmed order, and no unit is reserved',
    { onHand, reserved },
    {
      onHand: books.units - BigInt(confirmed),
      reserved: 0n,
    },
  );
}
