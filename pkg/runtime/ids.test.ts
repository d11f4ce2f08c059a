import { expect } from 'chai';
import { textRules } from '../errors/index.js';
import { firstUuidAt, timeOfUuidv7, uuidv7 } from './ids.js';

const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

describe('uuidv7', () => {
  it('returns UUIDs of version 7 and variant 10', () => {
    for (let n = 0; n < 1000; n += 1) {
      const id = uuidv7();
      expect(id).to.match(textRules.uuid.pattern);
      expect(id[14]).to.equal('7');
      expect('89ab').to.contain(id[19]);
    }
  });

  it('returns unique ids', () => {
    const ids = Array.from({ length: 100_000 }, uuidv7);
    expect(new Set(ids)).to.have.property('size', ids.length);
  });

  it('returns ids that start with the current time and sort by creation time', async () => {
    const before = Date.now();
    const first = uuidv7();
    expect(timeOf(first)).to.be.within(before, Date.now());
    while (Date.now() <= timeOf(first)) await new Promise((resolve) => setImmediate(resolve));
    expect(uuidv7() > first).to.equal(true);
  });

  it('returns ids that sort after the first UUID of their millisecond and before that of the next', () => {
    const id = uuidv7();
    const time = timeOfUuidv7(id);
    expect(firstUuidAt(time) < id).to.equal(true);
    expect(id < firstUuidAt(new Date(time.getTime() + 1))).to.equal(true);
    expect(firstUuidAt(new Date(-1))).to.equal('00000000-0000-0000-0000-000000000000');
  });

  it('returns ids in which every random bit varies', () => {
    const bits = Array.from({ length: 500 }, () => BigInt(`0x${uuidv7().replaceAll('-', '')}`));
    const setInAnyId = bits.reduce((result, id) => result | id, 0n);
    const setInEveryId = bits.reduce((result, id) => result & id);
    const randomBits = (((1n << 12n) - 1n) << 64n) | ((1n << 62n) - 1n);
    expect(setInAnyId & randomBits).to.equal(randomBits);
    expect(setInEveryId & randomBits).to.equal(0n);
  });
});
