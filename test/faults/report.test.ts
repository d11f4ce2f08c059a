import { expect } from 'chai';
import { anOrder } from '../../cmd/test-client/testing/facts.js';
import { FaultCounts } from './fault-counts.js';
import type { Call, Result } from './history.js';
import { requiredOutcomes, requiredSuccesses } from './kinds.js';
import { findShortfalls } from './report.js';
import { countSuccesses } from './successes.js';

const ok: Result<unknown> = { outcome: 'ok', value: anOrder() };
const unknown: Result<unknown> = { outcome: 'unknown', reason: 'DEADLINE_EXCEEDED' };
const failed = (reason: 'REQUEST_ID_REUSED' | 'OVERLOADED'): Result<unknown> => ({
  outcome: 'failed',
  reason,
});

function attempts(method: string, action: string, results: readonly Result<unknown>[]): Call[] {
  const purpose = { kind: 'approved', action };
  return results.map((result) => ({ method, key: method, request: {}, purpose, result }));
}

function counts(rows: readonly string[], columns: readonly string[]): FaultCounts {
  const all = new FaultCounts(rows, columns);
  for (const row of rows) for (const column of columns) all.add(row, column);
  return all;
}

function aReport(seconds = 60) {
  const enough = (required: Iterable<readonly [string, number]>) =>
    Object.fromEntries(
      [...required].map(([name, perMinute]) => [name, Math.ceil((perMinute * seconds) / 60)]),
    );
  return {
    seconds,
    outcomes: enough(Object.entries(requiredOutcomes)),
    successes: enough(requiredSuccesses),
    callFaults: counts(['ReserveStock', 'CapturePayment'], ['dropped']),
    processFaults: counts(['order', 'PostgreSQL'], ['paused', 'restarted', 'crashed']),
  };
}

describe('the validity of a fault run', () => {
  for (const seconds of [60, 540])
    it(`accepts the required numbers of ${seconds} s`, () => {
      expect(findShortfalls(aReport(seconds))).to.deep.equal([]);
    });

  for (const name of requiredSuccesses.keys())
    it(`requires successes of "${name}" in proportion to the length of the run`, () => {
      const { successes } = aReport(540);
      const count = (successes[name] ?? 0) - 1;
      expect(findShortfalls({ ...aReport(540), successes: { ...successes, [name]: count } })).to.deep.equal([
        `${count} successes of "${name}" instead of ${count + 1}`,
      ]);
    });

  it('requires outcomes, every kind of fault, faults at every step, and every fault of PostgreSQL', () => {
    const processFaults = counts(['PostgreSQL'], ['restarted', 'crashed']);
    const callFaults = new FaultCounts(['ReserveStock'], ['dropped']);
    const outcomes = { ...aReport().outcomes, CONFIRMED: 39 };
    expect(findShortfalls({ ...aReport(), outcomes, callFaults, processFaults })).to.deep.equal([
      '39 orders CONFIRMED instead of 40',
      'PostgreSQL was not paused',
      'no fault of kind dropped',
      'no fault at ReserveStock',
    ]);
  });
});

describe('the successes of a fault run', () => {
  const cases: readonly (readonly [string, Call[], Record<string, number>])[] = [
    [
      'an order in doubt, then placed',
      attempts('CreateOrder', 'none', [unknown, ok]),
      { approved: 1, none: 1 },
    ],
    ['an order without an answer', attempts('CreateOrder', 'none', [unknown, failed('OVERLOADED')]), {}],
    ['a request without all its repetitions', attempts('CreateOrder', 'repeat', [ok, ok]), { approved: 1 }],
    ['a repeated request', attempts('CreateOrder', 'repeat', [ok, ok, ok]), { approved: 1, repeat: 1 }],
    [
      'a reused key',
      attempts('CreateOrder', 'reuse key', [ok, failed('REQUEST_ID_REUSED')]),
      { approved: 1, 'reuse key': 1 },
    ],
    ['a cancellation', attempts('CancelOrder', 'cancel', [unknown, ok, ok]), { cancel: 1 }],
    ['a cancellation in doubt', attempts('CancelOrder', 'cancel', [unknown]), {}],
    [
      'a cancellation of an order with a refund',
      attempts('CancelOrder', 'refund order and cancel', [ok]),
      {},
    ],
    ['a resolution', attempts('ResolveOrder', 'resolve blocked order', [ok]), { 'resolve blocked order': 1 }],
  ];
  for (const [title, calls, successes] of cases)
    it(`count ${title} as ${JSON.stringify(successes)}`, () => {
      expect(countSuccesses(calls)).to.deep.equal(successes);
    });
});
