import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';

export interface SortLimits {
  /** Lines in memory before they are sorted and written to a file, called a run. */
  readonly runLines: number;
  /** Runs that are open at the same time. */
  readonly maxRuns: number;
}

/** Limits the memory to about 10 MB (50,000 lines of about 200 bytes) and 64 open files. */
const defaultLimits: SortLimits = { runLines: 50_000, maxRuns: 64 };

/** Sorts any number of lines in bounded memory, in files of a temporary directory. */
export class ExternalSort {
  readonly #directory: string;
  readonly #limits: SortLimits;
  #lines: string[] = [];
  #runs: string[] = [];
  #nextRun = 0;

  private constructor(directory: string, limits: SortLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  static async create(limits = defaultLimits): Promise<ExternalSort> {
    return new ExternalSort(await mkdtemp(path.join(tmpdir(), 'audit-')), limits);
  }

  /** Adds a line without line breaks. */
  async add(line: string): Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length >= this.#limits.runLines) await this.#writeRun();
  }

  /** Returns all lines in the order of their UTF-16 code units. */
  async *sorted(): AsyncGenerator<string> {
    await this.#writeRun();
    yield* merge(this.#runs);
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #writeRun(): Promise<void> {
    if (this.#lines.length === 0) return;
    const lines = this.#lines.toSorted(compare);
    this.#lines = [];
    const file = this.#newFile();
    await writeFile(file, `${lines.join('\n')}\n`);
    this.#runs.push(file);
    if (this.#runs.length >= this.#limits.maxRuns) await this.#mergeRuns();
  }

  async #mergeRuns(): Promise<void> {
    const file = this.#newFile();
    await pipeline(withLineBreaks(merge(this.#runs)), createWriteStream(file));
    await Promise.all(this.#runs.map((run) => rm(run)));
    this.#runs = [file];
  }

  #newFile(): string {
    this.#nextRun += 1;
    return path.join(this.#directory, `${this.#nextRun}.txt`);
  }
}

async function* withLineBreaks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function* merge(files: readonly string[]): AsyncGenerator<string> {
  const readers = files.map((file) =>
    createInterface({ input: createReadStream(file) })[Symbol.asyncIterator](),
  );
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  for (;;) {
    let smallest = -1;
    for (const [index, head] of heads.entries()) {
      if (head.done === true) continue;
      const best = heads[smallest];
      if (best === undefined || compare(head.value, best.value as string) < 0) smallest = index;
    }
    const reader = readers[smallest];
    if (!reader) return;
    yield heads[smallest]?.value as string;
    heads[smallest] = await reader.next();
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
