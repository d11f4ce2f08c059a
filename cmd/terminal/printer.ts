import { styleText } from 'node:util';

/** A terminal, a file or a pipe. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export type Status = 'passed' | 'failed' | 'skipped';

type Style = Parameters<typeof styleText>[0];

const marks: Readonly<Record<Status, { symbol: string; style: Style }>> = {
  passed: { symbol: '✔', style: 'green' },
  failed: { symbol: '✘', style: 'red' },
  skipped: { symbol: '○', style: 'yellow' },
};

const width = 100;

/** Prints the progress and the results of a run as text. */
export class Printer {
  readonly #out: OutputStream;
  readonly #hasColors: boolean;
  readonly isTerminal: boolean;
  #hasTransientLine = false;

  /** `noColor` is the value of `NO_COLOR` (no-color.org): any text that is not empty disables colors. */
  constructor(out: OutputStream, noColor = '') {
    this.#out = out;
    this.isTerminal = out.isTTY === true;
    this.#hasColors = this.isTerminal && noColor === '';
  }

  section(title: string): void {
    const rule = '─'.repeat(Math.max(3, width - title.length - 4));
    this.#line(`\n${this.#style('bold', `── ${title}`)} ${this.#style('dim', rule)}`);
  }

  info(text: string): void {
    this.#line(`   ${text}`);
  }

  /** Prints the result of an action and its details, except empty details. */
  result(text: string, details: readonly string[] = []): void {
    const shown = details.filter((detail) => detail !== '').join(' · ');
    this.#line(`     → ${text}${shown === '' ? '' : this.#style('dim', ` · ${shown}`)}`);
  }

  /** Prints the status of a check and one line for each detail. */
  status(status: Status, text: string, details: readonly string[] = []): void {
    const { symbol, style } = marks[status];
    this.#line(`   ${this.#style(style, symbol)} ${text}`);
    for (const line of details) this.#line(`       ${this.#style(style, line)}`);
  }

  /** Prints a line that the next line replaces. Prints nothing when the output is not a terminal. */
  transient(text: string): void {
    if (!this.isTerminal) return;
    this.clearTransient();
    this.#hasTransientLine = true;
    this.#out.write(`   ${text}`);
  }

  clearTransient(): void {
    if (this.#hasTransientLine) this.#out.write('\r\u001B[K');
    this.#hasTransientLine = false;
  }

  /** Prints the last line. Scripts parse this line, so it has no colors and no indentation. */
  conclude(text: string): void {
    this.#line(`\n${text}`);
  }

  #line(text: string): void {
    this.clearTransient();
    this.#out.write(`${text}\n`);
  }

  #style(style: Style, text: string): string {
    return this.#hasColors ? styleText(style, text, { validateStream: false }) : text;
  }
}
