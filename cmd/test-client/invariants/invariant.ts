import { violationsOf } from '../../audit/checks/violations.js';
import type { Facts } from './facts.js';

/** Printed figures and a description of each violation. */
export interface Finding {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly violations: readonly string[];
}

/** A property of the system that holds after any sequence of faults. */
export interface Invariant {
  /** Number in the output and in the list of all invariants. */
  readonly number: number;
  readonly title: string;
  check(facts: Facts): Finding;
}

/** Describes the violations whose condition is true: `violated('sku x', { 'reserved is negative': reserved < 0n })`. */
export function violated(subject: string, violations: Readonly<Record<string, boolean>>): string[] {
  return about(subject, violationsOf(violations));
}

export function about(subject: string, violations: readonly string[]): string[] {
  return violations.map((violation) => `${subject}: ${violation}`);
}
