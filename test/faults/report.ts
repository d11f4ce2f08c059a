import { table } from '../../bench/table.js';
import { formatCounts } from '../../cmd/test-client/output/format.js';
import type { Printer } from '../../cmd/terminal/printer.js';
import type { Check } from '../../bench/audit.js';
import type { FaultCounts } from './fault-counts.js';
import { requiredOutcomes, requiredSuccesses } from './kinds.js';

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
  /** Numbers of requests that succeeded, by kind of order and by action. */
  readonly successes: Readonly<Record<string, number>>;
  readonly callFaults: FaultCounts;
  readonly processFaults: FaultCounts;
  readonly checks: readonly Check[];
}

const shownViolations = 5;
const postgresFaults = ['paused', 'restarted', 'crashed'];

/** Returns what makes a run invalid: outcomes, successes and faults that occurred too rarely to prove anything. */
export function findShortfalls({
  seconds,
  outcomes,
  successes,
  callFaults,
  processFaults,
}: Pick<FaultReport, 'seconds' | 'outcomes' | 'successes' | 'callFaults' | 'processFaults'>): string[] {
  const minutes = seconds / 60;
  return [
    ...Object.entries(requiredOutcomes).flatMap(([outcome, perMinute]) => {
      const [count, required] = [outcomes[outcome] ?? 0, Math.ceil(perMinute * minutes)];
      return count < required ? [`${count} orders ${outcome} instead of ${required}`] : [];
    }),
    ...[...requiredSuccesses].flatMap(([name, perMinute]) => {
      const [count, required] = [successes[name] ?? 0, Math.ceil(perMinute * minutes)];
      return count < required ? [`${count} successes of "${name}" instead of ${required}`] : [];
    }),
    ...postgresFaults
      .filter((kind) => processFaults.count('PostgreSQL', kind) === 0)
      .map((kind) => `PostgreSQL was not ${kind}`),
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
  for (const name of ['outcomes', 'kinds', 'actions', 'successes', 'calls'] as const)
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
