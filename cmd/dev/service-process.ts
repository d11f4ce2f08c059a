import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync } from 'node:fs';
import { get } from 'node:http';
import type { Environment } from '../../pkg/config/index.js';
import { pause } from '../../pkg/runtime/wait.js';
import { lastLines, openLog } from './log-file.js';

/** How one service is run. */
export interface LaunchPlan {
  /** What Node is started with. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly logFile: string;
  /** Where `/readyz` answers. */
  readonly metricsPort: number;
}

const pollMs = 50;

/** One run of a service. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #logStart: number;
  readonly #metricsPort: number;
  #how: string | undefined;
  /** Resolves when the process is dead; says how it ended. */
  readonly exited: Promise<string>;

  constructor({ args, env, logFile, metricsPort }: LaunchPlan) {
    const log = openLog(logFile);
    try {
      this.#logStart = fstatSync(log).size;
      // A session of its own: a Ctrl-C in the terminal reaches us but not it, so that we stop it in
      // order. The channel, which `run` watches, ends it when we are killed.
      this.#child = spawn(process.execPath, [...process.execArgv, ...args], {
        detached: true,
        env,
        stdio: ['ignore', log, log, 'ipc'],
      });
    } finally {
      closeSync(log);
    }
    this.#logFile = logFile;
    this.#metricsPort = metricsPort;
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve((this.#how = signal ?? `exit code ${code}`)));
      this.#child.once('error', (error) => resolve((this.#how = error.message)));
    });
  }

  /** Undefined when it could not be started at all. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Polls until it takes calls; false when it ends, `waitMs` pass or `signal` aborts first. */
  async serves(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + waitMs;
    while (this.#how === undefined && !signal.aborted && Date.now() < deadline) {
      if (await isReady(this.#metricsPort)) return this.#how === undefined;
      await pause(pollMs, signal);
    }
    return false;
  }

  /** How it ended, undefined while it runs. */
  get ended(): string | undefined {
    return this.#how;
  }

  /** What it wrote to its log last. */
  lastWords(): string {
    return lastLines(this.#logFile, 12, this.#logStart);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#how === undefined) this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL after `graceMs`; true when the first was enough. */
  async stop(graceMs: number): Promise<boolean> {
    this.kill('SIGTERM');
    const enough = new AbortController();
    const late = await Promise.race([pause(graceMs, enough.signal), this.exited.then(() => false)]);
    enough.abort();
    if (late) this.kill('SIGKILL');
    await this.exited;
    return !late;
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', agent: false, timeout: 2000 });
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.once('close', () => resolve(false));
  });
}
