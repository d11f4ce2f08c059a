import { table } from '../../bench/table.js';
import { formatCounts } from '../../cmd/test-client/output/format.js';
import type { Printer } from '../../cmd/terminal/printer.js';
import type { Check } from '../../bench/audit.js';
import type { FaultCounts } from './fault-counts.js';
import { actions, orderKinds, requiredCalls, requiredOutcomes, requiredPerWeight } from './kinds.js';

export interface FaultReport {
  readonly seed: number;
  readonly seconds: number;
  /** Time from the end of the faults until all orders were terminal. */
  readonly terminalSeconds: number;
  readonly historyFile: string;
  /** Number of calls by method and result. */
  readonly calls: Readonly<Record<string, number>>;
  /** Numbers of orders by outcome, kind and action. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  readonly actions: Readonly<Record<string, number>>;
  readonly callFaults: FaultCounts;
  readonly processFaults: FaultCounts;
  readonly checks: readonly Check[];
}

const shownViolations = 5;

/** Returns what makes a run invalid: outcomes, orders, successful calls and faults that are too rare to prove anything. */
export function findShortfalls(report: FaultReport): string[] {
  const { seconds, outcomes, kinds, calls, callFaults, processFaults } = report;
  const minutes = seconds / 60;
  const missing = (
    what: string,
    counts: Readonly<Record<string, number>>,
    required: readonly (readonly [name: string, perMinute: number])[],
  ): string[] =>
    required.flatMap(([name, perMinute]) => {
      const [count, minimum] = [counts[name] ?? 0, Math.ceil(perMinute * minutes)];
      return count < minimum ? [`${count} ${what} ${name} instead of ${minimum}`] : [];
    });
  const perWeight = (items: readonly { readonly name: string; readonly weight: number }[]) =>
    items.map(({ name, weight }) => [name, weight * requiredPerWeight] as const);
  // Invalid requests have no orders.
  const accepted = actions.filter(({ name }) => name !== 'invalid');
  return [
    ...missing('orders', outcomes, Object.entries(requiredOutcomes)),
    ...missing('orders of the kind', kinds, perWeight(orderKinds)),
    ...missing('orders with the action', report.actions, perWeight(accepted)),
    ...missing('calls', calls, Object.entries(requiredCalls)),
    ...[callFaults, processFaults].flatMap((counts) =>
      counts.columns.filter((kind) => counts.totalOf(kind) === 0).map((kind) => `no fault of kind ${kind}`),
    ),
    ...callFaults.rows.flatMap((step) =>
      callFaults.columns.every((kind) => callFaults.count(step, kind) === 0) ? [`no fault at ${step}`] : [],
    ),
  ];
}

export function faultsOf({ callFaults, processFaults }: FaultReport): number {
  return callFaults.total + processFaults.total;
}

export function ordersOf({ outcomes }: FaultReport): number {
  return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

export function printReport(report: FaultReport, printer: Printer): void {
  printer.section('Orders and faults');
  printer.info(
    `seed ${report.seed}: ${faultsOf(report)} faults over ${ordersOf(report)} orders in ${report.seconds} s; all orders terminal ${report.terminalSeconds} s later`,
  );
  for (const name of ['outcomes', 'kinds', 'actions', 'calls'] as const)
    printer.info(`${name}: ${formatCounts(report[name])}`);
  printer.info(`history: ${report.historyFile}`);
  printMatrix(printer, 'saga step', report.callFaults);
  printMatrix(printer, 'service', report.processFaults);
  printer.section('Checks');
  for (const { title, violations } of report.checks) {
    const more =
      violations.length > shownViolations ? [`and ${violations.length - shownViolations} more`] : [];
    const status = violations.length === 0 ? 'passed' : 'failed';
    printer.status(status, title, [...violations.slice(0, shownViolations), ...more]);
  }
}

function printMatrix(printer: Printer, head: string, counts: FaultCounts): void {
  const rows = counts.rows.map((row) => [
    row,
    ...counts.columns.map((column) => String(counts.count(row, column))),
  ]);
  printer.info('');
  for (const line of table([head, ...counts.columns], rows)
    .trimEnd()
    .split('\n'))
    printer.info(line);
}
