import { expect } from 'chai';
import { FaultCounts } from './fault-counts.js';
import { actions, orderKinds, requiredCalls, requiredOutcomes } from './kinds.js';
import { findShortfalls, type FaultReport } from './report.js';

const counts = (count: number): FaultCounts => {
  const faults = new FaultCounts(['ReserveStock'], ['killed']);
  for (let added = 0; added < count; added += 1) faults.add('ReserveStock', 'killed');
  return faults;
};
const plenty = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, 1000]));
const names = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name);

const sufficient: FaultReport = {
  seed: 1,
  seconds: 120,
  terminalSeconds: 1,
  historyFile: 'history.jsonl',
  calls: plenty(Object.keys(requiredCalls)),
  outcomes: plenty(Object.keys(requiredOutcomes)),
  kinds: plenty(names(orderKinds)),
  actions: plenty(names(actions)),
  callFaults: counts(1),
  processFaults: counts(1),
  checks: [],
};

describe('a fault run', () => {
  it('is valid when everything occurred often enough for its length', () => {
    expect(findShortfalls(sufficient)).to.deep.equal([]);
    expect(findShortfalls({ ...sufficient, seconds: 36_000 })).to.include(
      '1000 orders CONFIRMED instead of 24000',
    );
  });

  const rare: Record<string, [Partial<FaultReport>, string]> = {
    'an outcome': [
      { outcomes: { ...sufficient.outcomes, CANCELLED: 19 } },
      '19 orders CANCELLED instead of 20',
    ],
    'a kind of order': [
      { kinds: { ...sufficient.kinds, slow: 9 } },
      '9 orders of the kind slow instead of 10',
    ],
    'an action': [
      { actions: { ...sufficient.actions, repeat: 0 } },
      '0 orders with the action repeat instead of 20',
    ],
    'a successful call': [
      { calls: { ...sufficient.calls, 'ResolveOrder ok': 0 } },
      '0 calls ResolveOrder ok instead of 1',
    ],
    'a fault of a step': [{ callFaults: counts(0) }, 'no fault at ReserveStock'],
    'a kind of fault': [{ processFaults: counts(0) }, 'no fault of kind killed'],
  };
  for (const [what, [change, shortfall]] of Object.entries(rare))
    it(`is invalid when ${what} is too rare`, () => {
      expect(findShortfalls({ ...sufficient, ...change })).to.include(shortfall);
    });
});
