import { expect } from 'chai';
import { transitions, type TimelineEntry } from '../domain.js';
import type { RemoteStep } from '../saga/plan.js';

export const forwardSteps: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
];

/** Timeline of a confirmed order without retries, in short form. */
export const confirmedTimeline = ['ACCEPT → PENDING', ...forwardSteps, 'CONFIRM → CONFIRMED'];

/** Returns a timeline in short form: `COMMIT_STOCK refused`, `VOID_PAYMENT #2`, `REJECT → REJECTED`. */
export function summarize(timeline: readonly TimelineEntry[]): string[] {
  return timeline.map(({ step, outcome, attempt, from, to }) => {
    const suffix = { SUCCEEDED: '', REFUSED: ' refused', IN_DOUBT: ' in doubt' }[outcome];
    return `${step}${suffix}${attempt > 1 ? ` #${attempt}` : ''}${from === to ? '' : ` → ${to}`}`;
  });
}

/** Asserts that a timeline starts with ACCEPT, has no gaps, and has only legal transitions. */
export function expectLegalTimeline(timeline: readonly TimelineEntry[]): void {
  expect(timeline.map(({ revision }) => revision)).to.deep.equal(timeline.map((_, index) => index + 1));
  expect(timeline[0]).to.include({ step: 'ACCEPT', from: undefined, to: 'PENDING' });
  for (const [index, { from, to }] of timeline.entries()) {
    const previous = timeline[index - 1];
    if (!previous || !from) continue;
    expect(from, `source state of revision ${index + 1}`).to.equal(previous.to);
    expect(transitions[from], `transitions from ${from}`).to.include(to);
  }
}
