import type { Logger } from '../../observability/index.js';
import type { DatabaseSession } from '../../postgres/index.js';
import { everyLogged, FailureLogger } from '../../runtime/index.js';
import { lockInstance, storeHeartbeat } from './instance-store.js';

export interface HeartbeatsDeps {
  /** Opens a connection that no other statement delays. The connection holds the liveness lock of the instance. */
  readonly openSession: (onOpen: () => void) => DatabaseSession;
  readonly instance: string;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** Maximum time between two heartbeats of a live instance. */
  readonly timeoutMs: number;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
}

/**
 * Stores the heartbeats of this instance. The session also holds the liveness lock of the instance: after a kill, the
 * server frees the lock at once, and while the lock is held, a late heartbeat only shows that the instance is slow.
 */
export class Heartbeats {
  readonly #deps: HeartbeatsDeps;
  readonly #session: DatabaseSession;
  #loop: { close(): Promise<void> } | undefined;
  #isLocked = false;
  /** Time at which the last stored heartbeat was sent. */
  #storedAt = -Infinity;
  /** Time at which the last late heartbeat was stored. */
  #lateUntil = -Infinity;

  constructor(deps: HeartbeatsDeps) {
    this.#deps = deps;
    this.#session = deps.openSession(() => {
      this.#isLocked = false;
    });
  }

  /** Stores the first heartbeat before the promise resolves, because an instance without a heartbeat counts as dead. */
  async start(): Promise<void> {
    await this.#beat();
    const failures = new FailureLogger(this.#deps.logger, {
      failed: 'heartbeat failed',
      recovered: 'heartbeat recovered',
    });
    this.#loop = everyLogged(this.#deps.intervalMs, () => this.#beat(), failures);
  }

  /** Whether other instances may treat this instance as dead. */
  get isLate(): boolean {
    return this.#deps.now() - this.#storedAt > this.#deps.timeoutMs;
  }

  /**
   * Whether this instance was late a short time ago. The cause, such as a restart of the database, may also have made
   * other instances late, although they are not dead.
   */
  get wasLate(): boolean {
    return this.#deps.now() - this.#lateUntil < this.#deps.timeoutMs;
  }

  async close(): Promise<void> {
    await this.#loop?.close();
    await this.#session.close();
  }

  async #beat(): Promise<void> {
    const { instance, now } = this.#deps;
    const sentAt = now();
    if (!this.#isLocked) this.#isLocked = await lockInstance(this.#session, instance);
    await storeHeartbeat(this.#session, instance);
    if (this.isLate && this.#storedAt > -Infinity) this.#lateUntil = now();
    this.#storedAt = sentAt;
  }
}
