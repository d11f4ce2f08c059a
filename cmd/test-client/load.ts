import { money } from '../../pkg/money/index.js';
import type { LoadSize } from './args.js';
import { orderRequest, stockProduct, type Product } from './context/actions.js';
import { placeOrderWithRetry } from './context/retry.js';
import type { ScenarioContext } from './context/scenario-context.js';
import { countValues, formatCounts, outcomeOf } from './output/format.js';
import { formatLatency, summarize, type LatencySummary } from './output/latency.js';
import type { Printer } from '../terminal/printer.js';
import { Progress } from './output/progress.js';
import { Recorder, type Check } from './output/recorder.js';

export interface LoadResult extends LoadSize {
  readonly connections: number;
  readonly durationMs: number;
  readonly ordersPerSecond: number;
  /** Latency from the first attempt of a request to its final result. */
  readonly latency: LatencySummary;
  /** Number of orders by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Number of requests without an order, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** Number of retries by reason. */
  readonly repeats: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
}

const productCount = 10;
const workersPerConnection = 16;

/** Places orders from `concurrency` workers, each with one order in flight. */
export async function runLoad(
  context: ScenarioContext,
  printer: Printer,
  size: LoadSize,
): Promise<LoadResult> {
  const { orders, concurrency } = size;
  const connections = Math.ceil(concurrency / workersPerConnection);
  printer.section(`Load: ${orders} orders, ${concurrency} in flight over ${connections} connections`);
  const products = await Promise.all(
    Array.from({ length: productCount }, (_, index) =>
      stockProduct(context, { slug: `load-${index}`, price: money('USD', 100 + index), units: orders }),
    ),
  );
  const progress = new Progress(printer, orders);
  const started = performance.now();
  const onPlaced = (count: number): void => progress.update(count);
  const placed = await placeOrders({ context, size, products, connections, onPlaced });
  const durationMs = performance.now() - started;
  progress.end();
  const ordersPerSecond = orders / (durationMs / 1000);
  return printLoad(printer, { ...size, ...placed, connections, durationMs, ordersPerSecond });
}

interface PlaceOrdersOptions {
  readonly context: ScenarioContext;
  readonly size: LoadSize;
  readonly products: readonly Product[];
  readonly connections: number;
  onPlaced(count: number): void;
}

type PlacedOrders = Pick<LoadResult, 'latency' | 'outcomes' | 'errors' | 'repeats'>;

async function placeOrders({
  context,
  size,
  products,
  connections,
  onPlaced,
}: PlaceOrdersOptions): Promise<PlacedOrders> {
  const clients = context.connections(connections);
  const [latencies, outcomes, errors, retries]: [number[], string[], string[], string[]] = [[], [], [], []];
  let next = 0;
  const worker = async (number: number): Promise<void> => {
    const client = clients[number % connections];
    while (next < size.orders) {
      const product = products[next++ % products.length] as Product;
      const request = orderRequest(context, { customer: `load-${number}`, items: [[product, 1]] });
      const result = await placeOrderWithRetry(context, request, client ? { client } : {});
      latencies.push(result.latencyMs);
      retries.push(...result.retries);
      if (result.error) errors.push(result.error.reason);
      else outcomes.push(outcomeOf(result.value));
      onPlaced(latencies.length);
    }
  };
  await Promise.all(Array.from({ length: size.concurrency }, (_, number) => worker(number)));
  return {
    latency: summarize(latencies),
    outcomes: countValues(outcomes),
    errors: countValues(errors),
    repeats: countValues(retries),
  };
}

function printLoad(printer: Printer, load: Omit<LoadResult, 'checks'>): LoadResult {
  const { orders, durationMs, ordersPerSecond, latency, outcomes, errors, repeats } = load;
  const seconds = (durationMs / 1000).toFixed(1);
  printer.info(`${orders} orders in ${seconds} s: ${Math.round(ordersPerSecond)} orders/s`);
  printer.info(`latency: ${formatLatency(latency)}`);
  printer.info(`outcomes: ${formatCounts(outcomes) || 'none'}`);
  if (Object.keys(repeats).length > 0) printer.info(`retries: ${formatCounts(repeats)}`);
  const recorder = new Recorder(printer);
  recorder.check('every request creates an order', errors, {});
  return { ...load, checks: recorder.checks };
}
