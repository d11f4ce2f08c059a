import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey, type RunLog } from '../context/run-log.js';
import { paymentsOf, reservationOf, stockOf, timelineOf, waitForTerminalOrders } from '../context/queries.js';
import { inParallel, sample } from '../context/parallel.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import { terminalTimeoutMs } from '../../audit/checks/progress.js';
import type { Effects, Facts, OrderFacts } from './facts.js';
import { replay } from './replay.js';

/** If a run has more orders, only a sample of this size is examined. */
const maxExamined = 1000;
const parallelOrders = 16;

/** Waits until all orders are terminal, repeats a sample of the requests and reads the data of every service. */
export async function collectFacts(
  context: ScenarioContext,
  onProgress: (message: string) => void,
): Promise<Facts> {
  const { log } = context;
  onProgress('waiting until all orders are terminal');
  const { orders: terminalOrders, terminalAfterMs } = await waitForOrders(context);
  const before = await effectsOf(context, terminalOrders);
  onProgress('repeating requests');
  const replays = await replay(context, terminalOrders);
  const { orders } = await waitForOrders(context);
  const after = await effectsOf(context, orders);
  onProgress('reading the data of every service');
  return {
    orders,
    terminalAfterMs,
    replays,
    effects: { before, after },
    stock: await stockFacts(context),
    examined: await inParallel(sample(orders, maxExamined), parallelOrders, (order) =>
      examine(context, order),
    ),
    observedStates: log.observedStates,
    cancelled: log.cancelled,
    requests: new Set([...log.requests.values()].map(requestKey)),
  };
}

async function waitForOrders(context: ScenarioContext): Promise<Pick<Facts, 'orders' | 'terminalAfterMs'>> {
  const started = performance.now();
  const orders = await waitForTerminalOrders(context, context.log.customers, terminalTimeoutMs);
  return { orders, terminalAfterMs: performance.now() - started };
}

async function effectsOf(context: ScenarioContext, orders: readonly Order[]): Promise<Effects> {
  const levels = await stockOf(context, [...unitsDelivered(context.log).keys()]);
  return { orders: orders.length, onHand: levels.reduce((total, { onHand }) => total + onHand, 0n) };
}

async function stockFacts(context: ScenarioContext): Promise<Facts['stock']> {
  const units = unitsDelivered(context.log);
  const levels = await stockOf(context, [...units.keys()]);
  return levels.map((level) => ({ level, delivered: units.get(level.sku) ?? 0n }));
}

function unitsDelivered(log: RunLog): Map<string, bigint> {
  const units = new Map<string, bigint>();
  for (const delivery of log.deliveries)
    units.set(delivery.sku, (units.get(delivery.sku) ?? 0n) + delivery.units);
  return units;
}

async function examine(context: ScenarioContext, order: Order): Promise<OrderFacts> {
  const [payments, timeline, reservation] = await Promise.all([
    paymentsOf(context, order),
    timelineOf(context, order.orderId),
    reservationOf(context, order),
  ]);
  return { order, payments, timeline, reservation };
}
