import { pino, type DestinationStream } from 'pino';

/** pino sets `lastLevel` before each line if a destination has this field. */
const metadata: unique symbol = Symbol.for('pino.metadata');

/** Maximum length of the collected lines, except a single longer line. */
const maxLength = 16_384;

/**
 * Collects the lines of one turn of the event loop and writes them together: at the end of the turn, before they are
 * longer than 16 KiB, and with each line at `error` or `fatal`.
 */
export class TurnBuffer implements DestinationStream {
  readonly [metadata] = true;
  lastLevel = 0;
  readonly #output: (text: string, lines: number) => void;
  #text = '';
  #lines = 0;
  #isScheduled = false;
  #isImmediate = false;

  constructor(output: (text: string, lines: number) => void) {
    this.#output = output;
  }

  write(line: string): void {
    if (this.#text.length + line.length > maxLength) this.flushSync();
    this.#text += line;
    this.#lines += 1;
    if (this.#isImmediate || this.lastLevel >= pino.levels.values['error']!) this.flushSync();
    else if (!this.#isScheduled) this.#schedule();
  }

  /** Writes the collected lines. pino calls this function after each line at `fatal`. */
  flushSync(): void {
    if (this.#lines === 0) return;
    const [text, lines] = [this.#text, this.#lines];
    this.#text = '';
    this.#lines = 0;
    this.#output(text, lines);
  }

  /** Writes the collected lines, and from now on each line immediately. */
  stopBuffering(): void {
    this.#isImmediate = true;
    this.flushSync();
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flushSync();
    });
  }
}
