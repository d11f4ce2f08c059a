import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { rawCall, type RawAnswer } from '../../pkg/rpc/testing/raw-call.js';

type Line = Readonly<Record<string, unknown>>;

/** The echo service as a process: what it logs, measures and answers. */
export class TracingProcess {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  #output = '';
  errors = '';

  constructor(env: Readonly<Record<string, string>>) {
    const imports = ['--import=tsx', '--import=./pkg/observability/register.ts'];
    this.#child = spawn(process.execPath, [...imports, 'test/integration/tracing-child.ts'], {
      env: {
        ...process.env,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        // The loader hook shifts what is covered, and the counts of this process with it.
        NODE_V8_COVERAGE: undefined,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#exited = once(this.#child, 'close');
  }

  /** Its log lines so far. */
  logged(message: string): Line[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{"level"') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg === message);
  }

  async call(headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const { address } = await this.#line('serving');
    return rawCall(String(address), { headers });
  }

  /** Value of a sample, such as `requests_total{…}`, undefined when there is no such series. */
  async metric(series: string): Promise<number | undefined> {
    const { port } = await this.#line('metrics served');
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  /** Asks it to stop, waits, and returns its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await this.#exited;
    return this.#child.exitCode;
  }

  /** The first such line, as long as it takes to start. */
  async #line(message: string): Promise<Line> {
    for (;;) {
      const [line] = this.logged(message);
      if (line) return line;
      const more = once(this.#child.stdout, 'data').then(() => true);
      const isRunning = await Promise.race([more, this.#exited.then(() => false)]);
      if (!isRunning) throw new Error(`the process has ended:\n${this.errors}`);
    }
  }
}
