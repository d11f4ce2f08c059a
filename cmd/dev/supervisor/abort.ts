/** Resolves when `signal` aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Returns the result of `work`. An abort of `signal` rejects the promise but does not stop `work`.
 * @throws the abort reason of `signal`
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = whenAborted(signal).then((): never => {
    throw signal.reason;
  });
  return Promise.race([work, aborted]);
}
