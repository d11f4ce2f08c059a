import { expect } from 'chai';
import { UsageError } from '../terminal/usage-error.js';
import { parseArguments } from './args.js';

describe('parseArguments', () => {
  it('selects the scenarios if there are no arguments', () => {
    expect(parseArguments([])).to.deep.equal({ load: undefined, json: false, help: false });
  });

  it('selects a load of the given size', () => {
    const { load, json } = parseArguments(['--orders', '2000', '--concurrency=32', '--json']);
    expect(load).to.deep.equal({ orders: 2000, concurrency: 32 });
    expect(json).to.equal(true);
  });

  it('uses a default concurrency for a load', () => {
    expect(parseArguments(['--orders', '10']).load).to.deep.equal({ orders: 10, concurrency: 16 });
  });

  it('selects help', () => {
    expect(parseArguments(['--help']).help).to.equal(true);
    expect(parseArguments(['-h']).help).to.equal(true);
  });

  const invalid: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown option', ['--speed'], '--speed'],
    ['a positional argument', ['fast'], 'fast'],
    ['zero orders', ['--orders', '0'], '--orders must be a whole number from 1 to 100000'],
    ['a fraction', ['--orders', '1.5'], '--orders'],
    ['too many orders', ['--orders', '100001'], '--orders'],
    ['text instead of a number', ['--orders', 'many'], "not 'many'"],
    ['an option without its value', ['--orders'], '--orders'],
    ['a concurrency above the maximum', ['--orders', '5', '--concurrency', '501'], '--concurrency'],
    ['a concurrency without orders', ['--concurrency', '5'], '--concurrency needs --orders'],
  ];
  for (const [argument, argv, message] of invalid) {
    it(`rejects ${argument}`, () => {
      expect(() => parseArguments(argv)).to.throw(UsageError, message);
    });
  }
});
