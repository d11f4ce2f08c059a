import { expect } from 'chai';
import fc from 'fast-check';
import { decodePageToken, encodePageToken, pageSizeOf } from './page-token.js';

const anyTexts = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 });

describe('page tokens', () => {
  it('decode to the encoded key when the filter is the same', () => {
    fc.assert(
      fc.property(anyTexts, anyTexts, (key, filter) => {
        expect(decodePageToken(encodePageToken(key, filter), key.length, filter)).to.deep.equal(key);
      }),
    );
  });

  it('contain only characters that need no escaping in URLs', () => {
    fc.assert(fc.property(anyTexts, (key) => /^[\w-]+$/.test(encodePageToken(key, []))));
  });

  it('request the first page when they are empty', () => {
    expect(decodePageToken('', 1, ['a'])).to.equal(undefined);
  });

  const token = encodePageToken(['key'], ['order-1']);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const invalidTokens: Record<string, [string, number, string[]]> = {
    'from a request with another filter': [token, 1, ['order-2']],
    'from a request with a longer filter': [token, 1, []],
    'with a key of unexpected length': [token, 2, ['order-1']],
    'that is truncated': [token.slice(0, -3), 1, ['order-1']],
    'that is not base64': ['€€€', 1, ['order-1']],
    'that is not JSON': [Buffer.from('{').toString('base64url'), 1, ['order-1']],
    'that is not an array': [encode({ length: 2 }), 1, ['order-1']],
    'that contains a number': [encode(['x', 1]), 1, ['order-1']],
    'that is an empty array': [encode([]), 1, ['order-1']],
  };
  for (const [description, [invalidToken, length, filter]] of Object.entries(invalidTokens))
    it(`rejects a token ${description}`, () => {
      expect(() => decodePageToken(invalidToken, length, filter))
        .to.throw()
        .with.deep.include({ reason: 'INVALID_PAGE_TOKEN' })
        .and.with.nested.property('fields[0].field', 'page_token');
    });

  it('rejects arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(() => decodePageToken(text, 1, [])).to.throw('invalid page token');
      }),
    );
  });
});

describe('pageSizeOf', () => {
  it('returns the default for 0 and otherwise the requested size', () => {
    expect(pageSizeOf(0)).to.equal(50);
    expect(pageSizeOf(1)).to.equal(1);
    expect(pageSizeOf(1000)).to.equal(1000);
  });
});
