import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync } from 'node:fs';
import { get } from 'node:http';
import type { Environment } from '../../../pkg/config/index.js';
import { pause } from '../../../pkg/runtime/index.js';
import { lastLines, openLog } from './log-file.js';

/** Arguments, environment, log and port of a service process. */
export interface LaunchSpec {
  /** Arguments of Node.js. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly logFile: string;
  /** Port of `/readyz`. */
  readonly metricsPort: number;
}

const pollMs = 50;
const readinessTimeoutMs = 2000;
const shownLogLines = 12;

/** One process of a service. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #logStart: number;
  readonly #metricsPort: number;
  #exitCause: string | undefined;
  /** Resolves when the process has exited, with the cause: a signal, an exit code or an error. */
  readonly exited: Promise<string>;

  constructor({ args, env, logFile, metricsPort }: LaunchSpec) {
    const log = openLog(logFile);
    try {
      this.#logStart = fstatSync(log).size;
      // The service has its own process group. Ctrl-C therefore sends no signal to the service, and the supervisor
      // stops the service gracefully. When the supervisor is killed, the IPC channel closes and the service stops.
      this.#child = spawn(process.execPath, [...args], {
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
      this.#child.once('exit', (code, signal) => resolve((this.#exitCause = signal ?? `exit code ${code}`)));
      this.#child.on('error', (error) => resolve((this.#exitCause = error.message)));
    });
  }

  /** Process id; undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Polls `/readyz` until the service is ready. Returns false after the exit, after `waitMs` or after an abort. */
  async waitUntilReady(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const deadline = Date.now() + waitMs;
    while (this.#exitCause === undefined && !signal.aborted && Date.now() < deadline) {
      if (await isReady(this.#metricsPort)) return this.#exitCause === undefined;
      await pause(pollMs, signal);
    }
    return false;
  }

  /** The signal, exit code or error that ended the process; undefined while the process runs. */
  get exitCause(): string | undefined {
    return this.#exitCause;
  }

  /** Returns the last log lines of this process. */
  logTail(): string {
    return lastLines(this.#logFile, shownLogLines, this.#logStart);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exitCause === undefined) this.#child.kill(signal);
  }

  /** Sends SIGTERM, and SIGKILL if the process still runs after `graceMs`. Returns false when SIGKILL was necessary. */
  async stop(graceMs: number): Promise<boolean> {
    this.kill('SIGTERM');
    const timer = new AbortController();
    const timedOut = await Promise.race([pause(graceMs, timer.signal), this.exited.then(() => false)]);
    timer.abort();
    if (timedOut) this.kill('SIGKILL');
    await this.exited;
    return !timedOut;
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({
      host: '127.0.0.1',
      port,
      path: '/readyz',
      agent: false,
      timeout: readinessTimeoutMs,
    });
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.once('close', () => resolve(false));
  });
}
