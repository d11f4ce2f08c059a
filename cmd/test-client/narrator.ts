import { styleText } from 'node:util';

/** Where text goes: a terminal, a file, a pipe. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export type Mark = 'passed' | 'failed' | 'skipped';

type Paint = Parameters<typeof styleText>[0];

const marks: Readonly<Record<Mark, { sign: string; paint: Paint }>> = {
  passed: { sign: '✔', paint: 'green' },
  failed: { sign: '✘', paint: 'red' },
  skipped: { sign: '○', paint: 'yellow' },
};

const width = 100;

/** Tells people what happens, a block for each thing. */
export class Narrator {
  readonly #out: Output;
  readonly #colour: boolean;
  readonly isTerminal: boolean;
  #isPassing = false;

  /** `noColour`: the value of `NO_COLOR` (no-color.org): anything but empty forbids colours. */
  constructor(out: Output, noColour = '') {
    this.#out = out;
    this.isTerminal = out.isTTY === true;
    this.#colour = this.isTerminal && noColour === '';
  }

  /** Begins a block. */
  block(title: string): void {
    const rule = '─'.repeat(Math.max(3, width - title.length - 4));
    this.#line(`\n${this.#paint('bold', `── ${title}`)} ${this.#paint('dim', rule)}`);
  }

  /** What is being done. */
  say(text: string): void {
    this.#line(`   ${text}`);
  }

  /** What came of it, with the facts about it; empty facts are left out. */
  result(text: string, facts: readonly string[] = []): void {
    const shown = facts.filter((fact) => fact !== '').join(' · ');
    this.#line(`     → ${text}${shown === '' ? '' : this.#paint('dim', ` · ${shown}`)}`);
  }

  /** Whether something is as it must be; `detail` is a line of its own each. */
  mark(mark: Mark, text: string, detail: readonly string[] = []): void {
    const { sign, paint } = marks[mark];
    this.#line(`   ${this.#paint(paint, sign)} ${text}`);
    for (const line of detail) this.#line(`       ${this.#paint(paint, line)}`);
  }

  /** A line that is replaced by the next one on a terminal, and left out elsewhere. */
  passing(text: string): void {
    if (!this.isTerminal) return;
    this.clear();
    this.#isPassing = true;
    this.#out.write(`   ${text}`);
  }

  /** Removes the passing line. */
  clear(): void {
    if (this.#isPassing) this.#out.write('\r\u001B[K');
    this.#isPassing = false;
  }

  /** The last line: nothing around it, so that scripts can read it. */
  conclude(text: string): void {
    this.#line(`\n${text}`);
  }

  #line(text: string): void {
    this.clear();
    this.#out.write(`${text}\n`);
  }

  #paint(paint: Paint, text: string): string {
    return this.#colour ? styleText(paint, text, { validateStream: false }) : text;
  }
}
