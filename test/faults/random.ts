/** Seeded pseudorandom numbers (mulberry32). Equal seeds give equal sequences; the timing of a run still varies. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator whose sequence depends on the seed and on `name` only. */
  static of(seed: number, name: string): Random {
    let hash = seed ^ 0x9e3779b9;
    for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    return new Random(hash);
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  /** Picks an item with a probability proportional to its weight. */
  pickWeighted<T extends { readonly weight: number }>(items: readonly T[]): T {
    let rest = this.next() * items.reduce((sum, { weight }) => sum + weight, 0);
    return items.find(({ weight }) => (rest -= weight) < 0) ?? (items.at(-1) as T);
  }
}

/** Draws the items in random order, each `weight` times, before any item is drawn again. Rare items are then not missed. */
export class Deck<T extends { readonly weight: number }> {
  readonly #items: readonly T[];
  readonly #random: Random;
  #rest: T[] = [];

  constructor(items: readonly T[], random: Random) {
    this.#items = items.flatMap((item) => Array.from({ length: item.weight }, () => item));
    this.#random = random;
  }

  draw(): T {
    if (this.#rest.length === 0) this.#rest = [...this.#items];
    return this.#rest.splice(this.#random.between(0, this.#rest.length - 1), 1)[0] as T;
  }
}
