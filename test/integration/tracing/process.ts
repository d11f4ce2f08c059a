import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { rawCall, type RawResponse } from '../../support/rpc/raw-call.js';

type Line = Readonly<Record<string, unknown>>;

/** A child process that runs the echo service. */
export class TracingProcess {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  #output = '';
  errors = '';

  constructor(env: Readonly<Record<string, string>>) {
    const imports = ['--import=tsx', '--import=./pkg/observability/register.ts'];
    this.#child = spawn(process.execPath, [...imports, 'test/integration/tracing/child.ts'], {
      env: {
        ...process.env,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        // No coverage: the loader hook of the child process shifts source positions, so its coverage data would be wrong.
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

  /** Returns all log lines with this message. */
  logged(message: string): Line[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{"level"') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg === message);
  }

  async call(headers: Readonly<Record<string, string>> = {}): Promise<RawResponse> {
    const { address } = await this.#line('serving');
    return rawCall(String(address), { headers });
  }

  /** Returns the value of a series such as `requests_total{…}`, or undefined if the series does not exist. */
  async metric(series: string): Promise<number | undefined> {
    const { port } = await this.#line('metrics served');
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  /** Sends SIGTERM and returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await this.#exited;
    return this.#child.exitCode;
  }

  /** Waits for the first log line with this message. */
  async #line(message: string): Promise<Line> {
    for (;;) {
      const [line] = this.logged(message);
      if (line) return line;
      const more = once(this.#child.stdout, 'data').then(() => true);
      const isRunning = await Promise.race([more, this.#exited.then(() => false)]);
      if (!isRunning) throw new Error(`the process has exited:\n${this.errors}`);
    }
  }
}
