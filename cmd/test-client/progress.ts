import type { Narrator } from './narrator.js';

const barWidth = 30;
/** Least time between two pictures of the bar, milliseconds. */
const redrawMs = 100;

/** Shows how far something is: a bar on a terminal, elsewhere a line for every tenth of the way. */
export class Progress {
  readonly #narrator: Narrator;
  readonly #total: number;
  readonly #started = performance.now();
  #drawnAt = 0;
  #tenths = 0;

  constructor(narrator: Narrator, total: number) {
    this.#narrator = narrator;
    this.#total = total;
  }

  update(done: number): void {
    if (this.#narrator.isTerminal) this.#draw(done);
    else this.#tell(done);
  }

  /** Removes the bar. */
  end(): void {
    this.#narrator.clear();
  }

  #draw(done: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < redrawMs && done < this.#total) return;
    this.#drawnAt = now;
    const filled = Math.floor((done / this.#total) * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    this.#narrator.passing(`${bar} ${this.#figures(done)}`);
  }

  #tell(done: number): void {
    const tenths = Math.floor((done * 10) / this.#total);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    this.#narrator.say(this.#figures(done));
  }

  #figures(done: number): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const percent = Math.floor((done / this.#total) * 100);
    return `${percent} % · ${done} of ${this.#total} · ${Math.round(done / Math.max(seconds, 0.001))} orders/s`;
  }
}
