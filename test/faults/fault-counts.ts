/** Numbers of injected faults by target (a saga step or a process) and kind of fault. */
export class FaultCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  /** The rows and columns exist from the start, so that a combination that never occurs is visible as 0. */
  constructor(
    readonly rows: readonly string[],
    readonly columns: readonly string[],
  ) {
    for (const row of rows) this.#counts.set(row, new Map(columns.map((column) => [column, 0])));
  }

  add(row: string, column: string): void {
    const counts = this.#counts.get(row);
    counts?.set(column, (counts.get(column) ?? 0) + 1);
  }

  count(row: string, column: string): number {
    return this.#counts.get(row)?.get(column) ?? 0;
  }

  get total(): number {
    return this.rows.reduce(
      (sum, row) => sum + this.columns.reduce((rowSum, column) => rowSum + this.count(row, column), 0),
      0,
    );
  }

  /** Number of faults of a kind, over all targets. */
  totalOf(column: string): number {
    return this.rows.reduce((sum, row) => sum + this.count(row, column), 0);
  }

  toJSON(): Record<string, Record<string, number>> {
    return Object.fromEntries(this.rows.map((row) => [row, Object.fromEntries(this.#counts.get(row) ?? [])]));
  }
}
