/** Returns the violations whose condition is true: `violationsOf({ 'reserved is negative': reserved < 0n })`. */
export function violationsOf(conditions: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(conditions).filter((violation) => conditions[violation]);
}

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}
