import { pause } from '../../pkg/runtime/wait.js';
import { DevError } from './dev-error.js';
import { lastLines } from './log-file.js';
import type { Command, Report, ServiceName } from './protocol.js';
import type { SpawnedSupervisor } from './spawn-supervisor.js';

type Ready = Extract<Report, { type: 'ready' }>;

interface Waiter {
  hear(report: Report): void;
  fail(error: Error): void;
}

/** Services drain up to 10 s, then PostgreSQL stops: a supervisor that takes longer than this hangs. */
const closeMs = 120_000;

/** A supervisor as its parent sees it. */
export class SupervisorProcess {
  readonly #waiters = new Set<Waiter>();
  readonly #restarts = new Map<ServiceName, Promise<true>>();
  readonly #ended: Promise<void>;
  readonly #spawned: SpawnedSupervisor;
  #over = false;

  constructor(spawned: SpawnedSupervisor, onProgress: (message: string) => void = () => undefined) {
    this.#spawned = spawned;
    const { child } = spawned;
    child.on('message', (message) => {
      const report = message as Report;
      if (report.type === 'progress') onProgress(report.message);
      for (const waiter of this.#waiters) waiter.hear(report);
    });
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    void this.#ended.then(() => this.#failAll());
  }

  /** @throws Error that says what is in the way */
  ready(): Promise<Ready> {
    return this.#next((report) => {
      if (report.type === 'failed') throw new DevError(report.message);
      return report.type === 'ready' ? report : undefined;
    });
  }

  async kill(service: ServiceName): Promise<number> {
    let pid: number | undefined;
    const killed = this.#next((report) =>
      report.type === 'killed' && report.service === service ? report.pid : undefined,
    );
    const restarted = this.#next((report): true | undefined => {
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

  /** Lets it live on without us. */
  async release(): Promise<void> {
    const { child } = this.#spawned;
    // It answers by closing the channel, once nothing of it depends on us any more.
    const answered = new Promise<void>((resolve) => {
      child.once('disconnect', () => resolve());
    });
    this.#send({ type: 'release' });
    await Promise.race([answered, this.#ended]);
    if (this.#over) throw this.#failure();
    child.unref();
  }

  /** @throws Error when it had to be killed */
  async close(): Promise<void> {
    const { child } = this.#spawned;
    if (child.connected) child.disconnect();
    const late = new AbortController();
    const timedOut = pause(closeMs, late.signal);
    const hangs = await Promise.race([timedOut, this.#ended.then(() => false)]);
    late.abort();
    if (!hangs) return;
    child.kill('SIGKILL');
    throw new Error(`the supervisor did not stop within ${closeMs / 1000} s and was killed`);
  }

  #send(command: Command): void {
    // A failure shows as the end of the process, which every waiter hears of.
    this.#spawned.child.send(command, () => undefined);
  }

  #next<T>(pick: (report: Report) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        this.#waiters.delete(waiter);
        finish();
      };
      const waiter: Waiter = {
        hear: (report) => {
          try {
            const found = pick(report);
            if (found !== undefined) settle(() => resolve(found));
          } catch (error) {
            settle(() => reject(error));
          }
        },
        fail: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      if (this.#over) waiter.fail(this.#failure());
    });
  }

  #failAll(): void {
    this.#over = true;
    for (const waiter of this.#waiters) waiter.fail(this.#failure());
  }

  #failure(): Error {
    const { logFile } = this.#spawned;
    return new DevError(
      `the supervisor ended unexpectedly; the end of ${logFile}:\n${lastLines(logFile, 15)}`,
    );
  }
}
