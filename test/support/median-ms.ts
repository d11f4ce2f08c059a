/** Returns the median duration of 21 calls in milliseconds. */
export async function medianMs(call: () => Promise<unknown>): Promise<number> {
  const durations: number[] = [];
  while (durations.length < 21) {
    const startedAt = performance.now();
    await call();
    durations.push(performance.now() - startedAt);
  }
  return durations.toSorted((a, b) => a - b)[10] ?? Infinity;
}
