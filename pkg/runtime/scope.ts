/** A resource that a scope closes. */
export interface Disposable {
  close(): Promise<void> | void;
}

/**
 * Owns the resources of a process and closes them last-in first-out, also after a partial start-up. When `close` of
 * one resource fails, the scope still closes the other resources.
 */
export class Scope {
  readonly #owned: Disposable[] = [];
  #closing: Promise<void> | undefined;

  /**
   * Takes ownership of `resource` and returns the resource.
   * @throws Error when the scope is closing or closed; the scope then closes the resource immediately
   */
  use<T extends Disposable>(resource: T): T {
    if (this.#closing) {
      void resource.close();
      throw new Error('the scope is closing');
    }
    this.#owned.push(resource);
    return resource;
  }

  /** Runs `close` when the scope closes. */
  defer(close: Disposable['close']): void {
    this.use({ close });
  }

  /**
   * Closes all resources. A second call waits for the first call.
   * @throws AggregateError with the errors of all resources that failed to close
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
