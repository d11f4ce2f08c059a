import { expect } from 'chai';
import fc from 'fast-check';
import { actionPollDelayMs } from './action-poll.js';

const second = 1000;
const minute = 60 * second;

/** Returns the times of the polls, since the first answer, of a payment whose action is due after `dueMs`. */
function pollTimes(dueMs: number, random: () => number): number[] {
  const times: number[] = [];
  for (let now = 0; now < dueMs;) {
    now += actionPollDelayMs({ waitingMs: now, untilDueMs: dueMs - now }, random);
    times.push(now);
  }
  return times;
}

describe('the interval of polls of a payment that waits for its customer', () => {
  it('grows from 2 to 30 seconds', () => {
    const intervals = [0, 8, 20, 60, 120, 600].map((seconds) =>
      actionPollDelayMs({ waitingMs: seconds * second, untilDueMs: 60 * minute }, () => 0),
    );
    expect(intervals).to.deep.equal([2000, 2000, 5000, 15_000, 30_000, 30_000]);
  });

  it('has a jitter of at most a fifth', () => {
    const longest = actionPollDelayMs({ waitingMs: 60 * minute, untilDueMs: 60 * minute }, () => 0.999_999);
    expect(longest).to.be.within(35_900, 36_000);
  });

  it('never passes the due time', () => {
    const milliseconds = fc.integer({ min: 0, max: 60 * minute });
    fc.assert(
      fc.property(milliseconds, fc.integer({ min: 1, max: 60 * minute }), (waitingMs, untilDueMs) => {
        const delay = actionPollDelayMs({ waitingMs, untilDueMs }, Math.random);
        return delay > 0 && delay <= untilDueMs;
      }),
    );
  });

  it('is short after the due time, when the payment service decides', () => {
    const delay = actionPollDelayMs({ waitingMs: 15 * minute, untilDueMs: -1 }, () => 0);
    expect(delay).to.equal(2000);
  });

  it('makes at most 43 polls of an action that is due after 15 minutes', () => {
    for (let order = 0; order < 100; order += 1)
      expect(pollTimes(15 * minute, Math.random).length).to.be.at.most(43);
  });

  it('makes 10,000 orders that began to wait together cause about 300 polls per second after minutes', () => {
    const perSecond = Array.from({ length: 60 }, () => 0);
    const from = 10 * minute;
    for (let order = 0; order < 10_000; order += 1)
      for (const time of pollTimes(12 * minute, Math.random)) {
        const at = Math.floor((time - from) / second);
        if (at in perSecond) perSecond[at] = (perSecond[at] ?? 0) + 1;
      }
    const average = perSecond.reduce((sum, count) => sum + count, 0) / perSecond.length;
    expect(average).to.be.within(10_000 / 36, 10_000 / 30);
    // The jitter has spread the polls of the first second.
    expect(Math.max(...perSecond)).to.be.lessThan(2 * average);
  });
});
