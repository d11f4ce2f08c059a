import { expect } from 'chai';
import { OrphanWatch } from './orphans.js';

describe('OrphanWatch', () => {
  let now = 0;
  const watch = (): OrphanWatch => new OrphanWatch(() => now);
  beforeEach(() => {
    now = 1000;
  });

  it('selects an order that has had no saga for two seconds', () => {
    const orphans = watch();
    expect(orphans.select(['a'], '')).to.deep.equal([]);
    now += 1999;
    expect(orphans.select(['a', 'b'], '')).to.deep.equal([]);
    now += 1;
    expect(orphans.select(['a', 'b'], '')).to.deep.equal(['a'], '');
  });

  it('remembers orders that a later call does not include', () => {
    const orphans = watch();
    orphans.select(['a', 'c'], '');
    now += 1000;
    orphans.select(['c'], 'b');
    now += 1000;
    expect(orphans.select(['a', 'c'], '')).to.deep.equal(['a', 'c']);
  });

  it('starts again when the order had a saga in between', () => {
    const orphans = watch();
    orphans.select(['a'], '');
    now += 1500;
    orphans.select([], '');
    now += 1500;
    expect(orphans.select(['a'], '')).to.deep.equal([]);
  });
});
