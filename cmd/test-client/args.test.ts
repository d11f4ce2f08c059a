import { expect } from 'chai';
import { parseArguments, UsageError } from './args.js';

describe('the command line', () => {
  it('plays the scenarios without arguments', () => {
    expect(parseArguments([])).to.deep.equal({ load: undefined, json: false, help: false });
  });

  it('makes a load of the given size', () => {
    const { load, json } = parseArguments(['--orders', '2000', '--concurrency=32', '--json']);
    expect(load).to.deep.equal({ orders: 2000, concurrency: 32 });
    expect(json).to.equal(true);
  });

  it('has a concurrency of its own for a load', () => {
    expect(parseArguments(['--orders', '10']).load).to.deep.equal({ orders: 10, concurrency: 16 });
  });

  it('asks for help', () => {
    expect(parseArguments(['--help']).help).to.equal(true);
    expect(parseArguments(['-h']).help).to.equal(true);
  });

  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown option', ['--speed'], '--speed'],
    ['a stray word', ['fast'], 'fast'],
    ['no orders at all', ['--orders', '0'], '--orders must be a whole number from 1 to 100000'],
    ['part of an order', ['--orders', '1.5'], '--orders'],
    ['too many orders', ['--orders', '100001'], '--orders'],
    ['orders that are no number', ['--orders', 'many'], "not 'many'"],
    ['an option without its value', ['--orders'], '--orders'],
    ['too many workers', ['--orders', '5', '--concurrency', '501'], '--concurrency'],
    ['workers without orders', ['--concurrency', '5'], '--concurrency needs --orders'],
  ];
  for (const [what, argv, message] of wrong) {
    it(`refuses ${what} with a clear message`, () => {
      expect(() => parseArguments(argv)).to.throw(UsageError, message);
    });
  }
});
