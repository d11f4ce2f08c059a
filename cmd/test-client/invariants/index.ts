import type { Mark, Narrator } from '../narrator.js';
import type { World } from '../world.js';
import { stockAddsUp } from './1-stock-adds-up.js';
import { commitsMatchOrders } from './2-commits-match-orders.js';
import { onePaymentPerOrder } from './3-one-payment-per-order.js';
import { refundsWithinCaptures } from './4-refunds-within-captures.js';
import { ordersNeverDisappear } from './5-orders-never-disappear.js';
import { ordersComeToRest } from './6-orders-come-to-rest.js';
import { timelinesAreLegal } from './7-timelines-are-legal.js';
import { gatewayAgrees } from './8-gateway-agrees.js';
import { equalRequestsEqualAnswers } from './9-equal-requests-equal-answers.js';
import type { Facts } from './facts.js';
import { gatherFacts } from './gather.js';
import type { Finding, Invariant } from './invariant.js';

export const invariants: readonly Invariant[] = [
  stockAddsUp,
  commitsMatchOrders,
  onePaymentPerOrder,
  refundsWithinCaptures,
  ordersNeverDisappear,
  ordersComeToRest,
  timelinesAreLegal,
  gatewayAgrees,
  equalRequestsEqualAnswers,
];

export interface InvariantResult extends Finding {
  readonly number: number;
  readonly title: string;
  readonly status: Mark;
}

/** Violations that are shown of each invariant; the JSON document has all. */
const shownAtMost = 5;

/** Checks every invariant over everything that the run did. */
export async function checkInvariants(world: World, narrator: Narrator): Promise<InvariantResult[]> {
  narrator.block('Invariants, over everything that this run did');
  const check = checker(await factsOrFailure(world, narrator), narrator);
  return invariants.map((invariant) => {
    const { number, title } = invariant;
    const { figures, violations } = check(invariant);
    const status = violations.length === 0 ? 'passed' : 'failed';
    const more = violations.length > shownAtMost ? [`and ${violations.length - shownAtMost} more`] : [];
    narrator.mark(status, `${number}. ${title}`, [...violations.slice(0, shownAtMost), ...more]);
    narrator.result(describeFigures(figures));
    return { number, title, status, figures, violations };
  });
}

async function factsOrFailure(world: World, narrator: Narrator): Promise<Facts | Error> {
  try {
    return await gatherFacts(world, (message) => narrator.passing(message));
  } catch (error) {
    world.signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    narrator.clear();
  }
}

/** Without facts every invariant fails: what cannot be seen is not proven. */
function checker(facts: Facts | Error, narrator: Narrator): (invariant: Invariant) => Finding {
  if (facts instanceof Error) {
    const violations = [`could not be checked: ${facts.message}`];
    return () => ({ figures: {}, violations });
  }
  const { orders, examined } = facts;
  const share =
    examined.length < orders.length ? `${examined.length} of them, evenly spaced,` : 'all of them';
  narrator.say(`${orders.length} orders, ${share} looked at in every service`);
  return (invariant) => invariant.check(facts);
}

function describeFigures(figures: Finding['figures']): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name.replaceAll('_', ' ')} ${figure}`)
    .join(' · ');
}
