import type { Addresses } from '../dev/protocol.js';
import type { InvariantResult } from './invariants/index.js';
import type { LoadResult } from './load.js';
import type { Mark } from './narrator.js';
import type { ScenarioResult } from './play.js';

/** Version of the JSON document; grows when a reader of the one before would be wrong. */
export const reportVersion = 1;

/** Everything that a run found. */
export interface Report {
  readonly run: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly addresses: Addresses;
  /** Whether the services were started for this run. */
  readonly startedServices: boolean;
  readonly scenarios: readonly ScenarioResult[];
  readonly load: LoadResult | undefined;
  readonly invariants: readonly InvariantResult[];
}

export type Summary = Readonly<Record<Mark, number>>;

/** Counts every check of a scenario or load, every skipped scenario and every invariant. */
export function summaryOf({
  scenarios,
  load,
  invariants,
}: Pick<Report, 'scenarios' | 'load' | 'invariants'>): Summary {
  const checks = [...scenarios, ...(load ? [load] : [])].flatMap((part) => part.checks);
  const marks: Mark[] = [
    ...checks.map(({ passed }): Mark => (passed ? 'passed' : 'failed')),
    ...scenarios.flatMap(({ status }) => (status === 'skipped' ? [status] : [])),
    ...invariants.map(({ status }) => status),
  ];
  const count = (mark: Mark): number => marks.filter((one) => one === mark).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** The last line of a run. */
export function formatSummary({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The report for machines: field names in snake_case, times in milliseconds. */
export function formatJson(report: Report): string {
  const summary = summaryOf(report);
  const document = { version: reportVersion, ok: summary.failed === 0, summary, ...report };
  return `${JSON.stringify(inSnakeCase(document), undefined, 2)}\n`;
}

/** Names that are data, not fields: kept as they are. */
const dataFields = new Set(['outcomes', 'errors', 'repeats']);

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (typeof value === 'number') return Math.round(value * 100) / 100;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      dataFields.has(name) ? field : inSnakeCase(field),
    ]),
  );
}
