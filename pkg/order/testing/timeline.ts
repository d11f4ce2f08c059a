import { expect } from 'chai';
import { transitions, type TimelineEntry } from '../domain.js';

/** A timeline as short lines: step, how it ended unless well at once, and the state it led to if that is new. */
export function story(timeline: readonly TimelineEntry[]): string[] {
  return timeline.map(({ step, outcome, attempt, from, to }) => {
    const ending = { SUCCEEDED: '', REFUSED: ' refused', IN_DOUBT: ' in doubt' }[outcome];
    return `${step}${ending}${attempt > 1 ? ` #${attempt}` : ''}${from === to ? '' : ` → ${to}`}`;
  });
}

/** Asserts that a timeline starts with the acceptance, has no gap and follows only legal edges. */
export function expectLegal(timeline: readonly TimelineEntry[]): void {
  expect(timeline.map(({ revision }) => revision)).to.deep.equal(timeline.map((_, index) => index + 1));
  expect(timeline[0]).to.include({ step: 'ACCEPT', from: undefined, to: 'PENDING' });
  for (const [index, { from, to }] of timeline.entries()) {
    const before = timeline[index - 1];
    if (!before || !from) continue;
    expect(from, `origin of revision ${index + 1}`).to.equal(before.to);
    expect(transitions[from], `edges from ${from}`).to.include(to);
  }
}
