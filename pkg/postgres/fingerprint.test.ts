import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson, fingerprint, isSameRequest } from './fingerprint.js';

describe('canonicalJson', () => {
  it('sorts keys at every depth, writes bigint as digits and omits undefined', () => {
    const value = { b: [{ z: 1n, a: null }], a: 'x', nothing: undefined };
    expect(canonicalJson(value)).to.equal('{"a":"x","b":[{"a":null,"z":"1"}]}');
  });

  it('keeps the sequence of list items', () => {
    expect(canonicalJson([2, 1])).to.equal('[2,1]');
  });
});

describe('fingerprint', () => {
  const records = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.bigInt()));

  it('is independent of the key sequence', () => {
    fc.assert(
      fc.property(records, (record) => {
        const reversed = Object.fromEntries(Object.entries(record).toReversed());
        expect(fingerprint(reversed)).to.deep.equal(fingerprint(record));
      }),
    );
  });

  it('differs when a field differs', () => {
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

describe('isSameRequest', () => {
  const stored = fingerprint({ amount: 1n });
  const ofLaterVersion = Buffer.concat([Buffer.of(2), fingerprint({ v: 2, amount: 1n })]);

  it('compares the fingerprints of version 1, which have no version byte, and not the fields', () => {
    expect(isSameRequest(stored, fingerprint({ amount: 1n }), () => false)).to.equal(true);
    expect(isSameRequest(stored, fingerprint({ amount: 2n }), () => true)).to.equal(false);
  });

  it('compares the fields, or nothing, when the stored fingerprint has a later version', () => {
    for (const areEqual of [true, false])
      expect(isSameRequest(ofLaterVersion, stored, () => areEqual)).to.equal(areEqual);
    expect(isSameRequest(ofLaterVersion, stored)).to.equal(true);
  });
});
