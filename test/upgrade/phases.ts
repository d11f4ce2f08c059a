import type { Printer } from '../../cmd/terminal/printer.js';
import type { LoadCounts, SteadyLoad } from './steady-load.js';

interface Phase {
  readonly name: string;
  readonly durationMs: number;
  /** Orders, calls, retries and failures during the phase. */
  readonly counts: LoadCounts;
}

const noCounts: LoadCounts = { orders: 0, calls: 0, retries: 0, failures: [] };
const columns = ['phase', 'duration', 'orders', 'calls', 'retried', 'failed'] as const;

/** Runs the phases of an upgrade and prints a table of their durations and calls. */
export class Phases {
  readonly #printer: Printer;
  readonly #phases: Phase[] = [];
  #load: SteadyLoad | undefined;

  constructor(printer: Printer) {
    this.#printer = printer;
  }

  /** Selects the load whose calls are counted. */
  measure(load: SteadyLoad): void {
    this.#load = load;
  }

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#printer.section(name);
    const started = performance.now();
    const before = this.#load?.counts ?? noCounts;
    const result = await work();
    const counts = difference(before, this.#load?.counts ?? noCounts);
    this.#phases.push({ name, durationMs: performance.now() - started, counts });
    for (const failure of counts.failures) this.#printer.status('failed', failure);
    return result;
  }

  /** Prints a table of all phases and the outcomes of the orders. */
  print(outcomes: string): void {
    const total = difference(noCounts, this.#load?.counts ?? noCounts);
    const durationMs = this.#phases.reduce((sum, phase) => sum + phase.durationMs, 0);
    const rows = [columns, ...[...this.#phases, { name: 'total', durationMs, counts: total }].map(cells)];
    const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    this.#printer.section('Result');
    for (const [name = '', ...figures] of rows) {
      const aligned = figures.map((figure, index) => figure.padStart(widths[index + 1] ?? 0));
      this.#printer.info([name.padEnd(widths[0] ?? 0), ...aligned].join('  '));
    }
    this.#printer.info(`outcomes: ${outcomes}`);
  }
}

function cells({ name, durationMs, counts }: Phase): string[] {
  const { orders, calls, retries, failures } = counts;
  const figures = [orders, calls, retries, failures.length].map(String);
  return [name, `${(durationMs / 1000).toFixed(1)} s`, ...figures];
}

function difference(before: LoadCounts, after: LoadCounts): LoadCounts {
  return {
    orders: after.orders - before.orders,
    calls: after.calls - before.calls,
    retries: after.retries - before.retries,
    failures: after.failures.slice(before.failures.length),
  };
}
