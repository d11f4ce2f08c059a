import type { Finding } from '../examine/examination.js';
import type { Confirmation } from '../scan/candidates.js';
import type { Figures } from '../scan/figures.js';
import type { Addresses } from '../services.js';

const titles: Readonly<Record<number, string>> = {
  1: 'Stock on hand is the sum of its movements; reserved stock is the sum of the open reservations of unfinished orders',
  2: 'Committed reservations and confirmed orders have the same quantities',
  3: 'A confirmed order is paid once and in full, less refunds; rejected and cancelled orders are not paid',
  4: 'Refunds do not exceed the captured amount, and captures do not exceed the authorized amount',
  5: 'An acknowledged order never disappears, and a terminal state changes only by a requested cancellation',
  6: 'Every order reaches a terminal state within 30 s',
  7: 'Timelines have no gaps and contain legal transitions only',
  8: 'The payments agree with the ledger of the gateway, in both directions',
  9: 'A request id, a payment and a reservation belong to one order',
};

/** What the audit cannot check, because it reads only the current state; by number of the invariant. */
const limitations: Readonly<Record<number, string>> = {
  5: 'checked: stored timelines; not checked: answers that clients received earlier',
  9: 'not checked: answers of repeated requests, because the audit repeats no request (test-client does)',
};

export type Status = 'holds' | 'violated';

export interface InvariantReport {
  readonly number: number;
  readonly title: string;
  readonly status: Status;
  readonly figures: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
  readonly violations: readonly Finding[];
}

export interface Report {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly addresses: Addresses;
  readonly reconcile: boolean;
  readonly invariants: readonly InvariantReport[];
  /** Candidates that changed between every two readings, so that the audit cannot judge them. */
  readonly unstable: readonly Finding[];
  /** Candidates beyond the limit, which were not read again. */
  readonly dropped: number;
}

/** Invariants that --reconcile checks in part. */
const reconciled: ReadonlySet<number> = new Set([1, 2, 3, 8]);

export function reportOf({
  figures,
  violations,
  ...run
}: Omit<Report, 'invariants'> & Confirmation & { readonly figures: Figures }): Report {
  const numbers = Object.keys(titles).map(Number);
  const shown = run.reconcile ? numbers.filter((number) => reconciled.has(number)) : numbers;
  const invariants = shown.map((number) => {
    const violated = violations.filter(({ invariant }) => invariant === number);
    const limitation = run.reconcile ? undefined : limitations[number];
    const notes = [...(limitation === undefined ? [] : [limitation]), ...figures.notesOf(number)];
    return {
      number,
      title: titles[number] ?? '',
      status: violated.length === 0 ? ('holds' as const) : ('violated' as const),
      figures: figures.countsOf(number),
      notes,
      violations: violated,
    };
  });
  return { ...run, invariants };
}

/** 0 without violations, 1 with violations, 2 when some candidates could not be judged. */
export function exitCodeOf({ invariants, unstable, dropped }: Report): number {
  if (invariants.some(({ status }) => status === 'violated')) return 1;
  return unstable.length + dropped > 0 ? 2 : 0;
}

export function formatJson(report: Report): string {
  return `${JSON.stringify({ ...report, exitCode: exitCodeOf(report) }, undefined, 2)}\n`;
}
