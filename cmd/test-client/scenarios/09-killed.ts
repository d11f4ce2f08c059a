import { money } from '../../../pkg/money/index.js';
import type { CreateOrderRequest, Order } from '../../../pkg/pb/order/v1/order.js';
import type { DevHandle } from '../../dev/child.js';
import type { Answer, Refusal } from '../answer.js';
import { describeTally, outcomeOf, tally } from '../describe.js';
import { formatMs } from '../latency.js';
import { paymentsOf, stockOfOne } from '../lookups.js';
import { inParallel } from '../parallel.js';
import { placeForSure } from '../persist.js';
import { isAtRest, ordersAtRest } from '../rest.js';
import { orderRequest, stockProduct, tryPlace, type Product } from '../shop.js';
import type { Story } from '../story.js';
import { until, within } from '../waiting.js';
import type { World } from '../world.js';
import type { Scenario } from './scenario.js';

const size = 150;
const connections = 8;
/** Answers after which the kill comes. */
const killAfter = 40;
/** Longest time from the kill until every order rests, milliseconds. */
const limitMs = 30_000;
const parallelCalls = 32;

/** Payment methods of the batch in turn, and how orders that use them end. */
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
  unless: ({ dev }) =>
    dev ? undefined : 'the services run elsewhere (…_SERVICE_ADDR is set): they are not ours to kill',
  async play(world, story) {
    if (!world.dev) return;
    const books = await stockProduct(world, { slug: 'book', price: money('USD', 2000), units: 1000 });
    const batch = Array.from({ length: size }, (_, index) => oneOfBatch(world, books, index));
    story.say(
      `${size} orders are placed at once; a fifth pays slowly, a fifth loses an answer, a fifth is declined`,
    );
    const { answers, killedAt } = await placeAndKill(world, story, { dev: world.dev, batch });
    const finalAnswers = await askAgain(world, story, { batch, answers, until: killedAt + limitMs });
    const orders = await ordersAtRest(world, [world.name('batch')], killedAt + limitMs);
    const restedAfterMs = performance.now() - killedAt;
    story.note(
      `every order rests ${formatMs(restedAfterMs)} after the kill: ${describeTally(tally(orders.map(outcomeOf)))}`,
    );
    story.expect(
      'every order is terminal within 30 s of the kill',
      orders.filter((order) => !isAtRest(order)),
      [],
    );
    checkAnswers(story, { batch, first: answers, final: finalAnswers, orders });
    await checkCharges(world, story, { orders, books });
  },
};

function oneOfBatch(world: World, books: Product, index: number): CreateOrderRequest {
  const [paymentMethod] = methodOf(index);
  return orderRequest(world, { customer: 'batch', items: [[books, 1]], paymentMethod });
}

function methodOf(index: number): Method {
  return methods[index % methods.length] as Method;
}

type Outcome = Answer<Order> | Refusal;

async function placeAndKill(
  world: World,
  story: Story,
  { dev, batch }: { readonly dev: DevHandle; readonly batch: readonly CreateOrderRequest[] },
) {
  const { signal } = world;
  // Without retries of their own, so that every broken call is seen.
  const clients = world.connections(connections, { retry: false });
  let answered = 0;
  const placing = inParallel(batch, size, async (request, index): Promise<Outcome> => {
    const client = clients[index % connections];
    const outcome = await tryPlace(world, request, client ? { client } : {});
    answered += 1;
    return outcome;
  });
  const enough = () => Promise.resolve(answered >= killAfter ? true : undefined);
  await until(enough, { what: `${killAfter} answers`, timeoutMs: limitMs, signal });
  const pid = await within(dev.kill('order-service'), { what: 'the kill', timeoutMs: limitMs, signal });
  const killedAt = performance.now();
  const answers = await placing;
  const broken = answers.filter(({ error }) => error).length;
  story.note(`order-service (pid ${pid}) killed: ${size - broken} orders answered, ${broken} unanswered`);
  story.expect('the kill came in the middle', broken > 0 && broken < size, true);
  await within(dev.restarted('order-service'), { what: 'the restart', timeoutMs: limitMs, signal });
  story.note(`order-service serves again ${formatMs(performance.now() - killedAt)} after the kill`);
  return { answers, killedAt };
}

interface AskAgain {
  readonly batch: readonly CreateOrderRequest[];
  readonly answers: readonly Outcome[];
  readonly until: number;
}

async function askAgain(world: World, story: Story, { batch, answers, until: limit }: AskAgain) {
  story.say('each unanswered request is sent again, with the same request_id, until it is answered');
  return inParallel(batch, parallelCalls, async (request, index): Promise<Outcome | undefined> => {
    const known = answers[index];
    return known?.error ? await placeForSure(world, request, { until: limit }) : known;
  });
}

interface Batch {
  readonly batch: readonly CreateOrderRequest[];
  readonly first: readonly Outcome[];
  readonly final: readonly (Outcome | undefined)[];
  readonly orders: readonly Order[];
}

function checkAnswers(story: Story, { batch, first, final, orders }: Batch): void {
  const refusals = final.flatMap((answer) => answer?.error?.reason ?? []);
  story.expect('every request is answered in the end', refusals, []);
  const answeredIds = new Set(final.flatMap((answer) => answer?.value?.orderId ?? []));
  const listed = new Set(orders.map(({ orderId }) => orderId));
  story.expect(
    'each request is one order, no more',
    [answeredIds.size, listed.size],
    [batch.length, batch.length],
  );
  const lost = [...answeredIds].filter((id) => !listed.has(id));
  story.expect('no acknowledged order is lost', lost, []);

  const now = new Map(orders.map((order) => [order.orderId, outcomeOf(order)]));
  const changed = first.filter(
    ({ value }) => value && isAtRest(value) && now.get(value.orderId) !== outcomeOf(value),
  );
  story.expect('what was answered before the kill is still true', changed, []);
  const byKey = new Map(orders.map((order) => [order.requestId, outcomeOf(order)]));
  const wrong = batch.filter(({ requestId }, index) => byKey.get(requestId) !== methodOf(index)[1]);
  story.expect(
    'every order ended as its payment says',
    wrong.map(({ paymentMethod }) => paymentMethod),
    [],
  );
}

async function checkCharges(
  world: World,
  story: Story,
  { orders, books }: { readonly orders: readonly Order[]; readonly books: Product },
): Promise<void> {
  const charges = await inParallel(orders, parallelCalls, async (order) => {
    const payments = await paymentsOf(world, order);
    const count = payments.reduce((sum, { audit }) => sum + (audit?.captureCount ?? 0), 0);
    return `${outcomeOf(order)}: ${count} charged`;
  });
  const confirmed = orders.filter((order) => outcomeOf(order) === 'CONFIRMED').length;
  story.expect("by the gateway's books each confirmed order was charged once, no other", tally(charges), {
    'CONFIRMED: 1 charged': confirmed,
    'REJECTED PAYMENT_DECLINED: 0 charged': orders.length - confirmed,
  });
  const { onHand, reserved } = await stockOfOne(world, books.sku);
  story.expect(
    'one unit left for each, none is claimed',
    { onHand, reserved },
    {
      onHand: books.units - BigInt(confirmed),
      reserved: 0n,
    },
  );
}
