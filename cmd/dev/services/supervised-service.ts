import { backoffMs, pause } from '../../../pkg/runtime/index.js';
import { DevError } from '../errors.js';
import type { ServiceName } from '../supervisor/protocol.js';
import { ServiceProcess, type LaunchSpec } from './service-process.js';

export interface ServiceEvents {
  spawned(service: ServiceName, pid: number): void;
  /** The process exited before `stop` was called; `cause` is a signal, an exit code or an error. */
  exited(service: ServiceName, cause: string): void;
  restarted(service: ServiceName, pid: number): void;
  /** The process did not stop after SIGTERM and was killed. */
  killed(service: ServiceName): void;
}

const startTimeoutMs = 60_000;
/** Time between SIGTERM and SIGKILL; must be longer than SHUTDOWN_TIMEOUT, which is 10 s by default. */
const stopTimeoutMs = 20_000;
const restartBackoff = { baseMs: 400, capMs: 5000 };
/** If a process ran longer than this time, the backoff before its restart begins anew, as after a first failure. */
const stableMs = 10_000;
const pollMs = 20;

/** Runs a service and restarts it on the same ports after every exit, until `stop` is called. */
export class SupervisedService {
  readonly #stopping = new AbortController();
  #process: ServiceProcess | undefined;
  #restarting: Promise<void> | undefined;

  constructor(
    readonly name: ServiceName,
    private readonly spec: LaunchSpec,
    private readonly events: ServiceEvents,
  ) {}

  /** @throws DevError with the end of the log when the service does not become ready */
  async start(): Promise<void> {
    const child = this.#spawn();
    if (await child.waitUntilReady(startTimeoutMs, this.#stopping.signal)) {
      this.#restarting = this.#restartOnExit(child);
      return;
    }
    const cause = child.exitCause;
    await child.stop(stopTimeoutMs);
    this.#stopping.signal.throwIfAborted();
    const problem = cause
      ? `exited during start-up (${cause})`
      : `was not ready within ${startTimeoutMs / 1000} s`;
    throw new DevError(`${this.name} ${problem}; the end of ${this.spec.logFile}:\n${child.logTail()}`);
  }

  /**
   * Sends SIGKILL to the process and resolves with its pid after the exit. During a restart, waits for
   * the new process and kills that process.
   */
  async kill(): Promise<number> {
    for (;;) {
      const child = this.#process;
      if (child?.pid !== undefined && child.exitCause === undefined) {
        child.kill('SIGKILL');
        await child.exited;
        return child.pid;
      }
      await pause(pollMs, this.#stopping.signal);
      this.#stopping.signal.throwIfAborted();
    }
  }

  /** Ends the restarts, stops the process and resolves after its exit. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#process && !(await this.#process.stop(stopTimeoutMs))) this.events.killed(this.name);
    await this.#restarting;
  }

  #spawn(): ServiceProcess {
    const child = new ServiceProcess(this.spec);
    this.#process = child;
    if (child.pid !== undefined) this.events.spawned(this.name, child.pid);
    return child;
  }

  async #restartOnExit(first: ServiceProcess): Promise<void> {
    const { signal } = this.#stopping;
    let child = first;
    let startedAt = Date.now();
    let failures = 0;
    for (;;) {
      const cause = await child.exited;
      if (signal.aborted) return;
      failures = Date.now() - startedAt > stableMs ? 1 : failures + 1;
      this.events.exited(this.name, cause);
      await pause(backoffMs(failures, restartBackoff), signal);
      if (signal.aborted) return;
      child = this.#spawn();
      startedAt = Date.now();
      if (await child.waitUntilReady(startTimeoutMs, signal))
        this.events.restarted(this.name, child.pid ?? 0);
    }
  }
}
