/** The middle of some numbers, the mean of the two middle ones when their count is even. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Numbers measured side by side with a base, each divided by its own. */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  return values.map((value, index) => value / (base[index] ?? Number.NaN));
}

/** `0.93 (0.90 to 0.96)`: median, lowest and highest. */
export function spread(values: readonly number[], digits = 2): string {
  const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    value.toFixed(digits),
  );
  return `${middle} (${low} to ${high})`;
}
