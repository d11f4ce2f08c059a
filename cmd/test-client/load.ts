import { money } from '../../pkg/money/index.js';
import type { LoadSize } from './args.js';
import { describeTally, outcomeOf, tally } from './describe.js';
import { formatLatency, summarize, type LatencySummary } from './latency.js';
import type { Narrator } from './narrator.js';
import { placeForSure } from './persist.js';
import { Progress } from './progress.js';
import { orderRequest, stockProduct, type Product } from './shop.js';
import { Story, type Check } from './story.js';
import type { World } from './world.js';

export interface LoadResult extends LoadSize {
  readonly connections: number;
  readonly durationMs: number;
  readonly ordersPerSecond: number;
  /** From the first sending of a request to its answer. */
  readonly latency: LatencySummary;
  /** Orders by how they were answered. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Requests without an answer, by reason. */
  readonly errors: Readonly<Record<string, number>>;
  /** Times that a request had to be sent again, by reason. */
  readonly repeats: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
}

const products = 10;
const workersPerConnection = 16;

/** Places orders from `concurrency` workers, each with one order under way at a time. */
export async function makeLoad(world: World, narrator: Narrator, size: LoadSize): Promise<LoadResult> {
  const { orders, concurrency } = size;
  const connections = Math.ceil(concurrency / workersPerConnection);
  narrator.block(`Load: ${orders} orders, ${concurrency} at a time over ${connections} connections`);
  const shelf = await Promise.all(
    Array.from({ length: products }, (_, index) =>
      stockProduct(world, { slug: `load-${index}`, price: money('USD', 100 + index), units: orders }),
    ),
  );
  const progress = new Progress(narrator, orders);
  const started = performance.now();
  const placed = await placeAll({ world, size, shelf, connections, onDone: (n) => progress.update(n) });
  const durationMs = performance.now() - started;
  progress.end();
  const ordersPerSecond = orders / (durationMs / 1000);
  return conclude(narrator, { ...size, ...placed, connections, durationMs, ordersPerSecond });
}

interface Placing {
  readonly world: World;
  readonly size: LoadSize;
  readonly shelf: readonly Product[];
  readonly connections: number;
  onDone(count: number): void;
}

type Placed = Pick<LoadResult, 'latency' | 'outcomes' | 'errors' | 'repeats'>;

async function placeAll({ world, size, shelf, connections, onDone }: Placing): Promise<Placed> {
  const clients = world.connections(connections);
  const [latencies, outcomes, errors, repeats]: [number[], string[], string[], string[]] = [[], [], [], []];
  let next = 0;
  const worker = async (number: number): Promise<void> => {
    const client = clients[number % connections];
    while (next < size.orders) {
      const product = shelf[next++ % shelf.length] as Product;
      const request = orderRequest(world, { customer: `load-${number}`, items: [[product, 1]] });
      const done = await placeForSure(world, request, client ? { client } : {});
      latencies.push(done.latencyMs);
      repeats.push(...done.repeats);
      if (done.error) errors.push(done.error.reason);
      else outcomes.push(outcomeOf(done.value));
      onDone(latencies.length);
    }
  };
  await Promise.all(Array.from({ length: size.concurrency }, (_, number) => worker(number)));
  return {
    latency: summarize(latencies),
    outcomes: tally(outcomes),
    errors: tally(errors),
    repeats: tally(repeats),
  };
}

function conclude(narrator: Narrator, load: Omit<LoadResult, 'checks'>): LoadResult {
  const { orders, durationMs, ordersPerSecond, latency, outcomes, errors, repeats } = load;
  const seconds = (durationMs / 1000).toFixed(1);
  narrator.say(`${orders} orders in ${seconds} s: ${Math.round(ordersPerSecond)} orders/s`);
  narrator.say(`latency: ${formatLatency(latency)}`);
  narrator.say(`outcomes: ${describeTally(outcomes) || 'none'}`);
  if (Object.keys(repeats).length > 0) narrator.say(`sent again after: ${describeTally(repeats)}`);
  const story = new Story(narrator);
  story.expect('every order was answered', errors, {});
  return { ...load, checks: story.checks };
}
