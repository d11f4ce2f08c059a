import { runAudit, type AuditOptions } from '../../../cmd/audit/app.js';
import { exitCodeOf, type Report } from '../../../cmd/audit/output/report.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import type { Database } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import type { System } from '../../support/system.js';

type Options = Partial<Omit<AuditOptions, 'signal'>>;

/** Audits the system with small pages and short pauses. */
export function audit({ addresses }: Pick<System, 'addresses'>, options: Options = {}): Promise<Report> {
  const { signal } = new AbortController();
  const defaults = { reconcile: false, pageSize: 3, pauseMs: 50 };
  return runAudit({ addresses, tls: undefined }, { ...defaults, ...options, signal });
}

/** The violations as `<number of the invariant> <violation>`, and the exit code. */
export function resultOf(report: Report): { violations: string[]; exitCode: number } {
  const violations = report.invariants.flatMap(({ number, violations: found }) =>
    found.map(({ violation }) => `${number} ${violation}`),
  );
  return { violations, exitCode: exitCodeOf(report) };
}

export const clean = { violations: [], exitCode: 0 };

/** Runs statements of a test on the database of a service. */
export async function execute(db: Database, ...statements: readonly string[]): Promise<void> {
  for (const text of statements) await db.query({ name: `test.${uuidv7()}`, text, values: [] });
}

export interface PlaceOptions {
  readonly sku?: string;
  readonly paymentMethod?: string;
  readonly customerId?: string;
  readonly quantity?: bigint;
}

export async function place(system: System, options: PlaceOptions = {}): Promise<Order> {
  const { sku = 'espresso', paymentMethod = 'pm_approve', customerId = 'ada', quantity = 1n } = options;
  const items = [{ sku, quantity }];
  const request = { requestId: uuidv7(), customerId, items, paymentMethod };
  const { order } = await system.order.createOrder(request);
  if (!order) throw new Error('the response has no order');
  return order;
}

export async function cancel(system: System, { orderId }: Order): Promise<Order> {
  const { order } = await system.order.cancelOrder({
    requestId: uuidv7(),
    orderId,
    customerId: '',
    reason: 'test',
  });
  if (order?.state !== OrderState.CANCELLED) throw new Error('the order is not cancelled');
  return order;
}

/** Places an order of each outcome: confirmed, out of stock, declined, and cancelled. */
export async function placeEachOutcome(system: System): Promise<Record<'confirmed' | 'rejected', Order>> {
  const confirmed = await place(system);
  await place(system, { paymentMethod: 'pm_answer_lost' });
  await cancel(system, await place(system));
  const rejected = await place(system, { quantity: 5000n });
  await place(system, { paymentMethod: 'pm_insufficient_funds' });
  return { confirmed, rejected };
}
