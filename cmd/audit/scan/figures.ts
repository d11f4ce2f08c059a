/** Counts of what the audit has read and checked, by invariant. */
export class Figures {
  readonly #counts = new Map<number, Map<string, bigint>>();
  readonly #notes = new Map<number, string[]>();

  add(invariant: number, figures: Readonly<Record<string, number | bigint>>): void {
    const counts = this.#counts.get(invariant) ?? new Map<string, bigint>();
    for (const [name, value] of Object.entries(figures))
      counts.set(name, (counts.get(name) ?? 0n) + BigInt(value));
    this.#counts.set(invariant, counts);
  }

  /** Records what was not checked, or a fact that an operator should see. Keeps the first {@link maxNotes} notes. */
  note(invariant: number, note: string): void {
    const notes = this.#notes.get(invariant) ?? [];
    if (notes.length < maxNotes) notes.push(note);
    this.#notes.set(invariant, notes);
  }

  countsOf(invariant: number): Readonly<Record<string, number>> {
    const counts = [...(this.#counts.get(invariant) ?? [])];
    return Object.fromEntries(counts.map(([name, value]) => [name, Number(value)]));
  }

  notesOf(invariant: number): readonly string[] {
    return this.#notes.get(invariant) ?? [];
  }
}

const maxNotes = 20;
