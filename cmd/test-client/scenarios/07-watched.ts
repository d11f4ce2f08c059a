import { money } from '../../../pkg/money/index.js';
import type { TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { formatTimelineEntry, outcomeOf } from '../output/format.js';
import { getOrder, timelineOf } from '../context/queries.js';
import { placeOrder } from '../context/retry.js';
import { orderRequest, stockProduct } from '../context/actions.js';
import type { Recorder } from '../output/recorder.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import type { Scenario } from './scenario.js';

/** Shorter than a payment with `pm_slow`, which takes 1.5 s by default (PAYMENT_SLOW_DELAY). */
const callTimeoutMs = 500;
const streamTimeoutMs = 30_000;

export const watched: Scenario = {
  number: 7,
  title: 'An order is watched, and the watch resumes after a lost connection',
  async run(context, recorder) {
    const chairs = await stockProduct(context, { slug: 'chair', price: money('USD', 11_900), units: 5 });
    const newOrder = { customer: 'heidi', items: [[chairs, 1] as const], paymentMethod: 'pm_slow' };
    recorder.info('Heidi orders a chair; the deadline of the call is 0.5 s, and the payment takes 1.5 s');
    const placed = await placeOrder(context, orderRequest(context, newOrder), { timeoutMs: callTimeoutMs });
    recorder.order('placed', placed);
    recorder.check('the order is accepted and continues', outcomeOf(placed.value), 'PENDING');

    const { orderId } = placed.value;
    recorder.info('Heidi watches the order and loses the connection after the first message');
    const firstEntries = await watch(context, recorder, { orderId, afterRevision: 0, stopAfter: 1 });
    const last = firstEntries.at(-1)?.revision ?? 0;
    recorder.info(`Heidi resumes the watch after revision ${last}`);
    const resumedEntries = await watch(context, recorder, {
      orderId,
      afterRevision: last,
      stopAfter: Infinity,
    });

    const order = await getOrder(context, orderId);
    recorder.check('the order is CONFIRMED at the end of the stream', outcomeOf(order), 'CONFIRMED');
    const revisions = [...firstEntries, ...resumedEntries].map(({ revision }) => revision);
    const everyRevision = Array.from({ length: order.revision }, (_, index) => index + 1);
    recorder.check('the stream contains every revision once', revisions, everyRevision);
    const timeline = await timelineOf(context, orderId);
    recorder.check('the stream equals the timeline', [...firstEntries, ...resumedEntries], timeline);
  },
};

interface Watch {
  readonly orderId: string;
  readonly afterRevision: number;
  /** Number of messages before the client cancels the stream. */
  readonly stopAfter: number;
}

async function watch(
  context: ScenarioContext,
  recorder: Recorder,
  { orderId, afterRevision, stopAfter }: Watch,
) {
  const entries: TimelineEntry[] = [];
  const started = performance.now();
  const request = { orderId, afterRevision, customerId: '' };
  for await (const { entry } of context.clients.order.watchOrder(request, { timeoutMs: streamTimeoutMs })) {
    if (!entry) continue;
    entries.push(entry);
    recorder.call(formatTimelineEntry(entry), {
      latencyMs: performance.now() - started,
      traceId: entry.traceId,
    });
    if (entries.length >= stopAfter) break;
  }
  return entries;
}
