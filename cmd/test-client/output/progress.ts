import type { Printer } from '../../terminal/printer.js';

const barWidth = 30;
const redrawMs = 100;

/** Shows the progress of a load: a bar on a terminal, or a line for every 10 % in other outputs. */
export class Progress {
  readonly #printer: Printer;
  readonly #total: number;
  readonly #started = performance.now();
  #drawnAt = 0;
  #tenths = 0;

  constructor(printer: Printer, total: number) {
    this.#printer = printer;
    this.#total = total;
  }

  update(done: number): void {
    if (this.#printer.isTerminal) this.#drawBar(done);
    else this.#printTenths(done);
  }

  /** Removes the bar. */
  end(): void {
    this.#printer.clearTransient();
  }

  #drawBar(done: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < redrawMs && done < this.#total) return;
    this.#drawnAt = now;
    const filled = Math.floor((done / this.#total) * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    this.#printer.transient(`${bar} ${this.#figures(done)}`);
  }

  #printTenths(done: number): void {
    const tenths = Math.floor((done * 10) / this.#total);
    if (tenths === this.#tenths) return;
    this.#tenths = tenths;
    this.#printer.info(this.#figures(done));
  }

  #figures(done: number): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const percent = Math.floor((done / this.#total) * 100);
    return `${percent} % · ${done} of ${this.#total} · ${Math.round(done / Math.max(seconds, 0.001))} orders/s`;
  }
}
