import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../../pkg/config/index.js';
import { pause } from '../../../pkg/runtime/index.js';
import { DevError } from '../errors.js';
import { lastLines, openLog } from '../services/log-file.js';
import type { Command, Report, ServiceName } from './protocol.js';

type ReadyReport = Extract<Report, { type: 'ready' }>;

interface Waiter {
  receive(report: Report): void;
  fail(error: Error): void;
}

/** A supervisor process whose output goes to a log file. */
export interface SpawnedSupervisor {
  readonly child: ChildProcess;
  readonly logFile: string;
}

/** Maximum wait in `close`. A supervisor needs less time to stop the services (at most 40 s) and PostgreSQL. */
const closeTimeoutMs = 120_000;
const shownLogLines = 15;
const isSource = import.meta.url.endsWith('.ts');
const supervisorMain = new URL(isSource ? '../../../dist/cmd/dev/main.js' : '../main.js', import.meta.url);

/**
 * Starts a supervisor with an IPC channel to this process. The supervisor has its own process group.
 * Ctrl-C and a closed terminal therefore send no signal to the supervisor. The supervisor stops gracefully when the IPC
 * channel closes.
 */
export function spawnSupervisor(env: Environment, logDir: string): SpawnedSupervisor {
  const logFile = path.join(logDir, 'dev.log');
  const log = openLog(logFile);
  try {
    const child = spawn(process.execPath, [fileURLToPath(supervisorMain)], {
      detached: true,
      env,
      stdio: ['ignore', log, log, 'ipc'],
    });
    return { child, logFile };
  } finally {
    closeSync(log);
  }
}

/** The parent's end of the IPC channel to a supervisor. */
export class SupervisorClient {
  readonly #waiters = new Set<Waiter>();
  readonly #restarts = new Map<ServiceName, Promise<true>>();
  readonly #exited: Promise<void>;
  readonly #spawned: SpawnedSupervisor;
  #hasExited = false;

  constructor(spawned: SpawnedSupervisor, onProgress: (message: string) => void = () => undefined) {
    this.#spawned = spawned;
    const { child } = spawned;
    child.on('message', (message) => {
      const report = message as Report;
      if (report.type === 'progress') onProgress(report.message);
      for (const waiter of this.#waiters) waiter.receive(report);
    });
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.on('error', () => resolve());
    });
    void this.#exited.then(() => this.#failAll());
  }

  /** @throws DevError when the start fails */
  ready(): Promise<ReadyReport> {
    return this.#nextReport((report) => {
      if (report.type === 'failed') throw new DevError(report.message);
      return report.type === 'ready' ? report : undefined;
    });
  }

  async kill(service: ServiceName): Promise<number> {
    let pid: number | undefined;
    const killed = this.#nextReport((report) =>
      report.type === 'killed' && report.service === service ? report.pid : undefined,
    );
    const restarted = this.#nextReport((report): true | undefined => {
      if (report.type === 'killed' && report.service === service) pid = report.pid;
      return pid !== undefined && report.type === 'restarted' && report.service === service
        ? true
        : undefined;
    });
    restarted.catch(() => undefined);
    this.#restarts.set(service, restarted);
    this.#send({ type: 'kill', service });
    return killed;
  }

  async restarted(service: ServiceName): Promise<void> {
    await this.#restarts.get(service);
  }

  /** Detaches the supervisor, which then keeps running after the exit of this process. */
  async release(): Promise<void> {
    const { child } = this.#spawned;
    // The supervisor acknowledges by closing the channel.
    const acknowledged = new Promise<void>((resolve) => {
      child.once('disconnect', () => resolve());
    });
    this.#send({ type: 'release' });
    await Promise.race([acknowledged, this.#exited]);
    if (this.#hasExited) throw this.#exitError();
    child.unref();
  }

  /**
   * Stops the supervisor and waits for its exit.
   * @throws Error when the supervisor does not stop in time and is killed
   */
  async close(): Promise<void> {
    const { child } = this.#spawned;
    if (child.connected) child.disconnect();
    const timer = new AbortController();
    const timeout = pause(closeTimeoutMs, timer.signal);
    const timedOut = await Promise.race([timeout, this.#exited.then(() => false)]);
    timer.abort();
    if (!timedOut) return;
    child.kill('SIGKILL');
    throw new Error(`the supervisor did not stop within ${closeTimeoutMs / 1000} s and was killed`);
  }

  #send(command: Command): void {
    // A send fails only after the supervisor has exited, and the exit rejects every waiter.
    this.#spawned.child.send(command, () => undefined);
  }

  #nextReport<T>(pick: (report: Report) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        this.#waiters.delete(waiter);
        finish();
      };
      const waiter: Waiter = {
        receive: (report) => {
          try {
            const value = pick(report);
            if (value !== undefined) settle(() => resolve(value));
          } catch (error) {
            settle(() => reject(error));
          }
        },
        fail: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      if (this.#hasExited) waiter.fail(this.#exitError());
    });
  }

  #failAll(): void {
    this.#hasExited = true;
    for (const waiter of this.#waiters) waiter.fail(this.#exitError());
  }

  #exitError(): Error {
    const { logFile } = this.#spawned;
    return new DevError(
      `the supervisor exited unexpectedly; the end of ${logFile}:\n${lastLines(logFile, shownLogLines)}`,
    );
  }
}
