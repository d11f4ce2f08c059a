import { money } from '../../../pkg/money/index.js';
import type { TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { describeEntry, outcomeOf } from '../describe.js';
import { getOrder, timelineOf } from '../lookups.js';
import { place } from '../persist.js';
import { orderRequest, stockProduct } from '../shop.js';
import type { Story } from '../story.js';
import type { World } from '../world.js';
import type { Scenario } from './scenario.js';

/** A third of what the slow payment takes: an answer that comes too late may be asked for once more. */
const patienceMs = 500;
const streamTimeoutMs = 30_000;

export const watched: Scenario = {
  number: 7,
  title: 'An order is watched live, also across a lost connection',
  async play(world, story) {
    const chairs = await stockProduct(world, { slug: 'chair', price: money('USD', 11_900), units: 5 });
    const wish = { customer: 'heidi', items: [[chairs, 1] as const], paymentMethod: 'pm_slow' };
    story.say('Heidi orders a chair, waits half a second for the answer, and her bank takes 1.5 s');
    const placed = await place(world, orderRequest(world, wish), { timeoutMs: patienceMs });
    story.order('placed', placed);
    story.expect('the order is accepted and goes on', outcomeOf(placed.value), 'PENDING');

    const { orderId } = placed.value;
    story.say('she watches it, and loses the connection after the first message');
    const early = await watch(world, story, { orderId, afterRevision: 0, stopAfter: 1 });
    const last = early.at(-1)?.revision ?? 0;
    story.say(`she resumes after revision ${last}`);
    const late = await watch(world, story, { orderId, afterRevision: last, stopAfter: Infinity });

    const order = await getOrder(world, orderId);
    story.expect('the stream ended because the order rests', outcomeOf(order), 'CONFIRMED');
    const revisions = [...early, ...late].map(({ revision }) => revision);
    const all = Array.from({ length: order.revision }, (_, index) => index + 1);
    story.expect('she saw every revision once, none twice', revisions, all);
    const timeline = await timelineOf(world, orderId);
    story.expect('it is what the timeline says', [...early, ...late], timeline);
  },
};

interface Watch {
  readonly orderId: string;
  readonly afterRevision: number;
  /** Messages after which to hang up. */
  readonly stopAfter: number;
}

async function watch(world: World, story: Story, { orderId, afterRevision, stopAfter }: Watch) {
  const entries: TimelineEntry[] = [];
  const started = performance.now();
  const request = { orderId, afterRevision, customerId: '' };
  for await (const { entry } of world.clients.order.watchOrder(request, { timeoutMs: streamTimeoutMs })) {
    if (!entry) continue;
    entries.push(entry);
    story.answered(describeEntry(entry), {
      latencyMs: performance.now() - started,
      traceId: entry.traceId,
    });
    if (entries.length >= stopAfter) break;
  }
  return entries;
}
