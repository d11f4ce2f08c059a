import { expect } from 'chai';
import fc from 'fast-check';
import { decodePageToken, encodePageToken, pageSizeOf } from './page-token.js';

const anyTexts = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 });

describe('page tokens', () => {
  it('give back the key they were made of, for the same listing', () => {
    fc.assert(
      fc.property(anyTexts, anyTexts, (key, filter) => {
        expect(decodePageToken(encodePageToken(key, filter), key.length, filter)).to.deep.equal(key);
      }),
    );
  });

  it('are of characters that need no quoting in a URL', () => {
    fc.assert(fc.property(anyTexts, (key) => /^[\w-]+$/.test(encodePageToken(key, []))));
  });

  it('mean the first page when empty', () => {
    expect(decodePageToken('', 1, ['a'])).to.equal(undefined);
  });

  const token = encodePageToken(['key'], ['order-1']);
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const wrong: Record<string, [string, number, string[]]> = {
    'of a listing with other fields': [token, 1, ['order-2']],
    'of a listing with fewer fields': [token, 1, []],
    'with a key of another length': [token, 2, ['order-1']],
    'cut off': [token.slice(0, -3), 1, ['order-1']],
    'that is not base64': ['€€€', 1, ['order-1']],
    'that is not JSON': [Buffer.from('{').toString('base64url'), 1, ['order-1']],
    'that is no list': [encode({ length: 2 }), 1, ['order-1']],
    'that holds a number': [encode(['x', 1]), 1, ['order-1']],
    'that holds nothing': [encode([]), 1, ['order-1']],
  };
  for (const [what, [given, length, filter]] of Object.entries(wrong))
    it(`are refused ${what}`, () => {
      expect(() => decodePageToken(given, length, filter))
        .to.throw()
        .with.deep.include({ reason: 'INVALID_PAGE_TOKEN' })
        .and.with.nested.property('fields[0].field', 'page_token');
    });

  it('are refused, whatever they are, unless they were made here', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(() => decodePageToken(text, 1, [])).to.throw('invalid page token');
      }),
    );
  });
});

describe('a page size', () => {
  it('is the standard one when the caller does not say', () => {
    expect(pageSizeOf(0)).to.equal(50);
    expect(pageSizeOf(1)).to.equal(1);
    expect(pageSizeOf(1000)).to.equal(1000);
  });
});
