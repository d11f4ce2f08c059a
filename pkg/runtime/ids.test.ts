import { expect } from 'chai';
import { textRules } from '../errors/index.js';
import { uuidv7 } from './ids.js';

const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe('uuidv7', () => {
  it('makes UUIDs of version 7 and variant 10', () => {
    for (let n = 0; n < 1000; n += 1) {
      const id = uuidv7();
      expect(id).to.match(textRules.uuid.pattern);
      expect(id[14]).to.equal('7');
      expect('89ab').to.contain(id[19]);
    }
  });

  it('makes no id twice', () => {
    const ids = Array.from({ length: 100_000 }, uuidv7);
    expect(new Set(ids)).to.have.property('size', ids.length);
  });

  it('begins with the time, so that later ids sort later', async () => {
    const before = Date.now();
    const first = uuidv7();
    expect(timeOf(first)).to.be.within(before, Date.now());
    while (Date.now() <= timeOf(first)) await new Promise((resolve) => setImmediate(resolve));
    expect(uuidv7() > first).to.equal(true);
  });

  it('uses every random bit', () => {
    const bits = Array.from({ length: 500 }, () => BigInt(`0x${uuidv7().replaceAll('-', '')}`));
    const ever = bits.reduce((all, one) => all | one, 0n);
    const always = bits.reduce((all, one) => all & one);
    const random = (((1n << 12n) - 1n) << 64n) | ((1n << 62n) - 1n);
    expect(ever & random).to.equal(random);
    expect(always & random).to.equal(0n);
  });
});
