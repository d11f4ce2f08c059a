import { expect } from 'chai';
import fc from 'fast-check';
import { fingerprint } from './idempotency.js';
import { canonicalJson } from './json.js';

describe('canonical JSON', () => {
  it('sorts keys at every depth, writes bigint as its digits and leaves undefined out', () => {
    const value = { b: [{ z: 1n, a: null }], a: 'x', nothing: undefined };
    expect(canonicalJson(value)).to.equal('{"a":"x","b":[{"a":null,"z":"1"}]}');
  });

  it('keeps the order of lists', () => {
    expect(canonicalJson([2, 1])).to.equal('[2,1]');
  });
});

describe('a fingerprint', () => {
  const records = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.bigInt()));

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(records, (record) => {
        const reversed = Object.fromEntries(Object.entries(record).toReversed());
        expect(fingerprint(reversed)).to.deep.equal(fingerprint(record));
      }),
    );
  });

  it('differs when anything differs', () => {
    fc.assert(
      fc.property(records, fc.string(), (record, key) => {
        expect(fingerprint({ ...record, [key]: 'other' + String(record[key]) })).not.to.deep.equal(
          fingerprint(record),
        );
      }),
    );
  });

  it('has 32 bytes', () => {
    expect(fingerprint(null)).to.have.length(32);
  });
});
