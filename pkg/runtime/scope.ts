/** Something that must be given back. */
export interface Disposable {
  close(): Promise<void> | void;
}

/**
 * Owns what a process has opened and gives it back last-in first-out, also when start-up fails
 * half-way. Every `close` is tried, whatever the others do.
 */
export class Scope {
  readonly #owned: Disposable[] = [];
  #closing: Promise<void> | undefined;

  /** Takes ownership of `resource` and returns it. */
  use<T extends Disposable>(resource: T): T {
    if (this.#closing) {
      void resource.close();
      throw new Error('the scope is closing');
    }
    this.#owned.push(resource);
    return resource;
  }

  /** Runs `close` when the scope ends. */
  defer(close: Disposable['close']): void {
    this.use({ close });
  }

  /**
   * Gives everything back; a second call waits for the first.
   * @throws AggregateError with every failure, after all were tried
   */
  close(): Promise<void> {
    this.#closing ??= this.#unwind();
    return this.#closing;
  }

  async #unwind(): Promise<void> {
    const failures: unknown[] = [];
    for (let resource = this.#owned.pop(); resource; resource = this.#owned.pop()) {
      try {
        await resource.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'shutdown was not clean');
  }
}
