import { backoffMs, pause } from '../../pkg/runtime/wait.js';
import { DevError } from './dev-error.js';
import type { ServiceName } from './protocol.js';
import { ServiceProcess, type LaunchPlan } from './service-process.js';

/** What a supervised service tells. */
export interface ServiceEvents {
  spawned(service: ServiceName, pid: number): void;
  /** It ended by itself, or was killed. */
  ended(service: ServiceName, how: string): void;
  restarted(service: ServiceName, pid: number): void;
  /** It did not stop when asked, and was killed. */
  forced(service: ServiceName): void;
}

/** Longest time until a service takes calls, milliseconds. */
const startMs = 60_000;
/** Services cut off what is under way after 10 s, see SHUTDOWN_TIMEOUT; milliseconds. */
const stopMs = 20_000;
const restartBackoff = { baseMs: 400, capMs: 5000 };
/** A run that lasts this long ends a row of failures, milliseconds. */
const stableMs = 10_000;
const pollMs = 20;

/** A service that is kept running until stopped, always on the same ports. */
export class SupervisedService {
  readonly #stopping = new AbortController();
  #process: ServiceProcess | undefined;
  #keeping: Promise<void> | undefined;

  constructor(
    readonly name: ServiceName,
    private readonly plan: LaunchPlan,
    private readonly events: ServiceEvents,
  ) {}

  /** @throws DevError with the end of its log when it does not come to serve */
  async start(): Promise<void> {
    const run = this.#spawn();
    if (await run.serves(startMs, this.#stopping.signal)) {
      this.#keeping = this.#keep(run);
      return;
    }
    const ended = run.ended;
    await run.stop(stopMs);
    this.#stopping.signal.throwIfAborted();
    const what = ended ? `ended at start (${ended})` : `did not serve within ${startMs / 1000} s`;
    throw new DevError(`${this.name} ${what}; the end of ${this.plan.logFile}:\n${run.lastWords()}`);
  }

  /** SIGKILL to the process, or to the next one when none runs; resolves with its pid once dead. */
  async kill(): Promise<number> {
    for (;;) {
      const run = this.#process;
      if (run?.pid !== undefined && run.ended === undefined) {
        run.kill('SIGKILL');
        await run.exited;
        return run.pid;
      }
      await pause(pollMs, this.#stopping.signal);
      this.#stopping.signal.throwIfAborted();
    }
  }

  /** Nothing is left when it resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#process && !(await this.#process.stop(stopMs))) this.events.forced(this.name);
    await this.#keeping;
  }

  #spawn(): ServiceProcess {
    const run = new ServiceProcess(this.plan);
    this.#process = run;
    if (run.pid !== undefined) this.events.spawned(this.name, run.pid);
    return run;
  }

  async #keep(first: ServiceProcess): Promise<void> {
    const { signal } = this.#stopping;
    let run = first;
    let since = Date.now();
    let failures = 0;
    for (;;) {
      const how = await run.exited;
      if (signal.aborted) return;
      failures = Date.now() - since > stableMs ? 1 : failures + 1;
      this.events.ended(this.name, how);
      await pause(backoffMs(failures, restartBackoff), signal);
      if (signal.aborted) return;
      run = this.#spawn();
      since = Date.now();
      if (await run.serves(startMs, signal)) this.events.restarted(this.name, run.pid ?? 0);
    }
  }
}
