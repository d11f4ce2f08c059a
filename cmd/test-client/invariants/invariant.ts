import type { Facts } from './facts.js';

/** What was found: figures for people, and each case in which the invariant does not hold. */
export interface Finding {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly violations: readonly string[];
}

/** Something that is true of the system whatever happens. */
export interface Invariant {
  /** As numbered in the specification. */
  readonly number: number;
  readonly title: string;
  check(facts: Facts): Finding;
}

/** Names each broken rule of a subject: `violated('sku x', { 'reserved is negative': reserved < 0n })`. */
export function violated(subject: string, rules: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(rules).flatMap(([rule, isBroken]) => (isBroken ? [`${subject}: ${rule}`] : []));
}

export function sum(values: Iterable<bigint>): bigint {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}
