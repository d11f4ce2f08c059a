import { expect } from 'chai';
import fc from 'fast-check';
import { effectiveDeadline, normalizeTimeout, refuseIfTooLate, shaveMs, usefulMs } from './deadline.js';

const limits = { defaultDeadlineMs: 30_000, maxDeadlineMs: 120_000 };
const now = 1_000_000;
const unary = (requested: number): number =>
  effectiveDeadline({ requested, isStream: false, now }, limits) - now;
const stream = (requested: number): number =>
  effectiveDeadline({ requested, isStream: true, now }, limits) - now;

describe('the deadline that a server works to', () => {
  it('is the default of a unary call whose caller set none', () => {
    expect(unary(Infinity)).to.equal(30_000);
  });

  it('is none on a stream whose caller set none', () => {
    expect(stream(Infinity)).to.equal(Infinity);
  });

  it('is cut to the longest allowed on unary calls only', () => {
    expect(unary(now + 600_000)).to.equal(120_000);
    expect(stream(now + 600_000)).to.equal(600_000 - shaveMs);
  });

  it('is earlier than asked by 20 milliseconds, or by a fifth of what is little', () => {
    expect(unary(now + 10_000)).to.equal(10_000 - shaveMs);
    expect(unary(now + 100)).to.equal(80);
    expect(unary(now + 50)).to.equal(40);
  });

  it('is never later than asked and never longer than allowed', () => {
    const asked = fc.oneof(fc.integer({ min: 1, max: 10 ** 9 }), fc.constant(Infinity));
    fc.assert(
      fc.property(asked, (ms) => {
        expect(unary(now + ms)).to.be.at.most(Math.min(ms, limits.maxDeadlineMs));
        expect(stream(now + ms)).to.be.at.most(ms);
      }),
    );
  });
});

describe('a call with too little time left', () => {
  it('is refused', () => {
    for (const left of [usefulMs - 1, 0, -5000])
      expect(() => refuseIfTooLate(now + left, now))
        .to.throw()
        .with.property('reason', 'DEADLINE_TOO_SHORT');
  });

  it('is not one with just enough', () => {
    refuseIfTooLate(now + usefulMs, now);
    refuseIfTooLate(Infinity, now);
  });
});

describe('a grpc-timeout header', () => {
  for (const header of ['0S', '1n', '100u', '250m', '30S', '5M', '24H', '99999999n', '86400S'])
    it(`"${header}" is taken as it is`, () => {
      expect(normalizeTimeout(header)).to.equal(header);
    });

  for (const header of ['25H', '600H', '99999999H', '99999999M', '86401S'])
    it(`"${header}" is cut to a day`, () => {
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
    it(`"${header}" is malformed`, () => {
      expect(normalizeTimeout(header)).to.equal(undefined);
    });

  it('never says more than grpc-js can hold in a timer', () => {
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
