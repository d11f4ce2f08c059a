import pg from 'pg';

/**
 * A client of the driver that has a listener for `error` events from its creation to its end. The driver emits this
 * event when a session ends without a running statement, at any time after ReadyForQuery of the connection set-up, and
 * the pool has no listener of its own while a caller uses the client. Without a listener, the event ends the process.
 */
export class Session extends pg.Client {
  #isLost = false;

  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => {
      this.#isLost = true;
    });
  }

  /** Whether the server or the network has ended the session; it cannot run further statements. */
  get isLost(): boolean {
    return this.#isLost;
  }
}
