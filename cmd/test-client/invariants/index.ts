import type { Status, Printer } from '../../terminal/printer.js';
import type { ScenarioContext } from '../context/scenario-context.js';
import { stockAddsUp } from './1-stock-adds-up.js';
import { commitsMatchOrders } from './2-commits-match-orders.js';
import { onePaymentPerOrder } from './3-one-payment-per-order.js';
import { refundsWithinCaptures } from './4-refunds-within-captures.js';
import { ordersNeverDisappear } from './5-orders-never-disappear.js';
import { ordersBecomeTerminal } from './6-orders-become-terminal.js';
import { timelinesAreLegal } from './7-timelines-are-legal.js';
import { gatewayInSync } from './8-gateway-in-sync.js';
import { retriesAreIdempotent } from './9-retries-are-idempotent.js';
import type { Facts } from './facts.js';
import { collectFacts } from './collect-facts.js';
import type { Finding, Invariant } from './invariant.js';

export const invariants: readonly Invariant[] = [
  stockAddsUp,
  commitsMatchOrders,
  onePaymentPerOrder,
  refundsWithinCaptures,
  ordersNeverDisappear,
  ordersBecomeTerminal,
  timelinesAreLegal,
  gatewayInSync,
  retriesAreIdempotent,
];

export interface InvariantResult extends Finding {
  readonly number: number;
  readonly title: string;
  readonly status: Status;
}

/** Maximum number of printed violations of one invariant. The JSON document contains all violations. */
const maxShownViolations = 5;

/** Checks every invariant for all orders of the run. */
export async function checkInvariants(
  context: ScenarioContext,
  printer: Printer,
): Promise<InvariantResult[]> {
  printer.section('Invariants for all orders of this run');
  const check = checker(await collectFactsOrError(context, printer), printer);
  return invariants.map((invariant) => {
    const { number, title } = invariant;
    const { figures, violations } = check(invariant);
    const status = violations.length === 0 ? 'passed' : 'failed';
    const more =
      violations.length > maxShownViolations ? [`and ${violations.length - maxShownViolations} more`] : [];
    printer.status(status, `${number}. ${title}`, [...violations.slice(0, maxShownViolations), ...more]);
    printer.result(formatFigures(figures));
    return { number, title, status, figures, violations };
  });
}

async function collectFactsOrError(context: ScenarioContext, printer: Printer): Promise<Facts | Error> {
  try {
    return await collectFacts(context, (message) => printer.transient(message));
  } catch (error) {
    context.signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    printer.clearTransient();
  }
}

/** Returns the function that checks an invariant. If the facts could not be collected, every check fails. */
function checker(facts: Facts | Error, printer: Printer): (invariant: Invariant) => Finding {
  if (facts instanceof Error) {
    const violations = [`not checked: ${facts.message}`];
    return () => ({ figures: {}, violations });
  }
  const { orders, examined } = facts;
  const share = examined.length < orders.length ? `${examined.length}` : 'all';
  printer.info(`${orders.length} orders, ${share} examined in every service`);
  return (invariant) => invariant.check(facts);
}

function formatFigures(figures: Finding['figures']): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name.replaceAll('_', ' ')} ${figure}`)
    .join(' · ');
}
