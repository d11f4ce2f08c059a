import { execFileSync } from 'node:child_process';
import os from 'node:os';
import type { Options } from './options.js';
import type { Figure } from './run.js';
import { format, ratios, spreadOf } from './statistics.js';
import { table } from './table.js';

const beginMarker = '<!-- begin: make bench -->';
const endMarker = '<!-- end: make bench -->';

/** The result of a run; it is invalid when there are problems, and not to be published when there are warnings. */
export interface Report {
  readonly run: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly figures: readonly Figure[];
}

/** Returns the conditions of the run. */
export function describeRun({ rounds, timing, baseline }: Options): Record<string, string> {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
  return {
    machine: `${os.availableParallelism()} cores of ${os.cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}`,
    version: `${git('rev-parse', '--short=12', 'HEAD')}${isChanged ? ' with changes' : ''}`,
    ...(baseline === undefined ? {} : { baseline }),
    date: new Date().toISOString().slice(0, 10),
    rounds: `${rounds}, of ${timing.measuredMs / 1000} s for each measurement`,
    conditions:
      'all processes on one machine, PostgreSQL with fsync, log level info, 10 % of the traces exported to a process that discards them; the simulated payment gateway runs inside the payment service and is part of every order',
  };
}

export function formatFigures({ run, problems, warnings, figures }: Report): string {
  const conditions = Object.entries(run).map(([name, text]) => `${name}: ${text}`);
  const text = table(headOf(figures), figures.map(rowOf));
  const list = (title: string, entries: readonly string[]): string =>
    entries.length === 0 ? '' : `\n${title}:\n${entries.map((entry) => `- ${entry}\n`).join('')}`;
  const verdict = `${list('INVALID RUN', problems)}${list('NOT TO BE PUBLISHED', warnings)}`;
  return `\n${conditions.join('\n')}\n\n${text}${verdict}`;
}

/** Replaces the section of a document between the markers. */
export function writeSection(document: string, { run, figures }: Report): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = headOf(figures);
  const conditions = Object.entries(run).map(([name, text]) => `- ${name}: ${text}`);
  const rows = [head, head.map(() => '---'), ...figures.map(rowOf)].map(row);
  const [before, rest = ''] = document.split(beginMarker);
  const [, after] = rest.split(endMarker);
  if (after === undefined) throw new Error('the document has no section for the figures');
  const blocks = [
    beginMarker,
    conditions.join('\n'),
    rows.join('\n'),
    '![bar chart](performance.svg)',
    endMarker,
  ];
  return `${before}${blocks.join('\n\n')}${after}`;
}

function headOf(figures: readonly Figure[]): string[] {
  const head = ['part', 'figure', 'unit', 'median', 'min to max'];
  if (!figures.some(({ values }) => values['baseline'])) return head;
  return [...head, 'baseline', 'min to max', 'this ÷ baseline'];
}

/** Returns the cells of a figure: part, name, unit, median and range, and the same of the baseline with the ratio. */
function rowOf({ part, name, unit, values }: Figure): string[] {
  const columns = (series: readonly number[]): string[] => {
    const { median, min, max } = spreadOf(series);
    return [format(median), `${format(min)} to ${format(max)}`];
  };
  const [own = [], baseline] = [values['this'], values['baseline']];
  if (!baseline) return [part, name, unit, ...columns(own)];
  const [middle, range] = columns(ratios(own, baseline));
  return [part, name, unit, ...columns(own), ...columns(baseline), `${middle} (${range})`];
}

export function toJson(report: Report): string {
  const figures = report.figures.map((figure) => ({
    ...figure,
    median: spreadOf(figure.values['this'] ?? []).median,
  }));
  return `${JSON.stringify({ isValid: report.problems.length === 0, ...report, figures }, undefined, 2)}\n`;
}
