/** An order of this instance is an orphan when it has had no running saga for this time. */
const orphanAgeMs = 2000;

/**
 * Selects the orders of this instance that have lost their saga. An order has no saga for a short time after its
 * acceptance is committed, so only an order that stays without a saga is an orphan.
 */
export class OrphanWatch {
  readonly #now: () => number;
  #since = new Map<string, number>();

  /** @param now monotonic time in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Takes the ids of the orders without a running saga, and returns the ids of the orphans.
   * @param first `ids` contains every order without a running saga from this id on
   */
  select(ids: readonly string[], first: string): string[] {
    const now = this.#now();
    const earlier = [...this.#since].filter(([id]) => id < first);
    this.#since = new Map([...earlier, ...ids.map((id) => [id, this.#since.get(id) ?? now] as const)]);
    return ids.filter((id) => now - (this.#since.get(id) ?? now) >= orphanAgeMs);
  }
}
