import type { Addresses } from '../../dev/supervisor/protocol.js';
import type { InvariantResult } from '../invariants/index.js';
import type { LoadResult } from '../load.js';
import type { Status } from '../../terminal/printer.js';
import type { ScenarioResult } from '../scenarios/run.js';

/** Version of the JSON document. Incompatible changes increment the version. */
export const reportVersion = 1;

/** All results of a run. */
export interface Report {
  readonly run: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly addresses: Addresses;
  /** True when the services were started for this run. */
  readonly startedServices: boolean;
  readonly scenarios: readonly ScenarioResult[];
  readonly load: LoadResult | undefined;
  readonly invariants: readonly InvariantResult[];
}

export type Summary = Readonly<Record<Status, number>>;

/** Counts the checks of scenarios and loads, the skipped scenarios and the invariants. */
export function summaryOf({
  scenarios,
  load,
  invariants,
}: Pick<Report, 'scenarios' | 'load' | 'invariants'>): Summary {
  const checks = [...scenarios, ...(load ? [load] : [])].flatMap((part) => part.checks);
  const statuses: Status[] = [
    ...checks.map(({ passed }): Status => (passed ? 'passed' : 'failed')),
    ...scenarios.flatMap(({ status }) => (status === 'skipped' ? [status] : [])),
    ...invariants.map(({ status }) => status),
  ];
  const count = (status: Status): number => statuses.filter((candidate) => candidate === status).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** Formats the last line of the output. */
export function formatSummary({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Formats the report as JSON, with field names in snake_case and durations in milliseconds. */
export function formatJson(report: Report): string {
  const summary = summaryOf(report);
  const document = { version: reportVersion, ok: summary.failed === 0, summary, ...report };
  return `${JSON.stringify(inSnakeCase(document), undefined, 2)}\n`;
}

/** Fields whose keys are data and are not converted to snake_case. */
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
