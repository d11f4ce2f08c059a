import { expect } from 'chai';
import fc from 'fast-check';
import {
  effectiveDeadline,
  normalizeTimeout,
  assertBudget,
  deadlineMarginMs,
  minBudgetMs,
} from './deadline.js';

const limits = { defaultDeadlineMs: 30_000, maxDeadlineMs: 120_000 };
const now = 1_000_000;
const unary = (requested: number): number =>
  effectiveDeadline({ requested, isStream: false, now }, limits) - now;
const stream = (requested: number): number =>
  effectiveDeadline({ requested, isStream: true, now }, limits) - now;

describe('effectiveDeadline', () => {
  it('returns the default for a unary call without a deadline', () => {
    expect(unary(Infinity)).to.equal(30_000);
  });

  it('returns Infinity for a stream without a deadline', () => {
    expect(stream(Infinity)).to.equal(Infinity);
  });

  it('limits unary calls, but not streams, to the maximum', () => {
    expect(unary(now + 600_000)).to.equal(120_000);
    expect(stream(now + 600_000)).to.equal(600_000 - deadlineMarginMs);
  });

  it('subtracts the margin, but at most a fifth of the remaining time', () => {
    expect(unary(now + 10_000)).to.equal(10_000 - deadlineMarginMs);
    expect(unary(now + 100)).to.equal(80);
    expect(unary(now + 50)).to.equal(40);
  });

  it('never exceeds the requested deadline or, for unary calls, the maximum', () => {
    const requested = fc.oneof(fc.integer({ min: 1, max: 10 ** 9 }), fc.constant(Infinity));
    fc.assert(
      fc.property(requested, (ms) => {
        expect(unary(now + ms)).to.be.at.most(Math.min(ms, limits.maxDeadlineMs));
        expect(stream(now + ms)).to.be.at.most(ms);
      }),
    );
  });
});

describe('assertBudget', () => {
  it('rejects a call with less than the minimum budget', () => {
    for (const remainingMs of [minBudgetMs - 1, 0, -5000])
      expect(() => assertBudget(now + remainingMs, now))
        .to.throw()
        .with.property('reason', 'DEADLINE_TOO_SHORT');
  });

  it('accepts a call with the minimum budget or without a deadline', () => {
    assertBudget(now + minBudgetMs, now);
    assertBudget(Infinity, now);
  });
});

describe('normalizeTimeout', () => {
  for (const header of ['0S', '1n', '100u', '250m', '30S', '5M', '24H', '99999999n', '86400S'])
    it(`keeps "${header}"`, () => {
      expect(normalizeTimeout(header)).to.equal(header);
    });

  for (const header of ['25H', '600H', '99999999H', '99999999M', '86401S'])
    it(`limits "${header}" to one day`, () => {
      expect(normalizeTimeout(header)).to.equal('86400000m');
    });

  for (const header of [
    '',
    'S',
    '5',
    '1.5S',
    '-1S',
    '+1S',
    '1 S',
    ' 1S',
    '1S ',
    '1s',
    '999999999S',
    '1S,2S',
    '١S',
  ])
    it(`rejects the malformed header "${header}"`, () => {
      expect(normalizeTimeout(header)).to.equal(undefined);
    });

  it('never returns a timeout that overflows a 32-bit timer', () => {
    const unitMs = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };
    fc.assert(
      fc.property(fc.nat(99_999_999), fc.constantFrom('H', 'M', 'S', 'm', 'u', 'n'), (digits, unit) => {
        const normalized = normalizeTimeout(`${digits}${unit}`) ?? '';
        const ms = Number.parseInt(normalized, 10) * unitMs[normalized.slice(-1) as keyof typeof unitMs];
        expect(ms).to.be.within(0, 2 ** 31 - 1);
        expect(normalized).to.match(/^\d{1,8}[HMSmun]$/);
      }),
    );
  });
});
