import { expect } from 'chai';
import { UsageError } from '../terminal/usage-error.js';
import { parseArguments, usage } from './args.js';

describe('the arguments of audit', () => {
  const none = { json: false, help: false, reconcile: false, acknowledged: undefined };

  it('are optional', () => {
    expect(parseArguments([])).to.deep.equal(none);
  });

  it('select the output, the mode and the list of acknowledged orders', () => {
    expect(parseArguments(['--json', '--reconcile'])).to.deep.equal({ ...none, json: true, reconcile: true });
    const acknowledged = 'orders.txt';
    expect(parseArguments(['--acknowledged', acknowledged])).to.deep.equal({ ...none, acknowledged });
  });

  for (const argv of [
    ['--unknown'],
    ['orders.txt'],
    ['--acknowledged'],
    ['--reconcile', '--acknowledged', 'x'],
  ])
    it(`are rejected: ${argv.join(' ')}`, () => {
      expect(() => parseArguments(argv)).to.throw(UsageError);
    });

  it('are documented in the usage', () => {
    for (const option of ['--json', '--reconcile', '--acknowledged', '--help'])
      expect(usage).to.contain(option);
  });
});
