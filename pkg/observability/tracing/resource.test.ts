import { expect } from 'chai';
import { parseResourceAttributes } from './resource.js';

describe('parseResourceAttributes', () => {
  const validTexts: Record<string, Record<string, string>> = {
    '': {},
    'team=payments': { team: 'payments' },
    ' team = payments , zone=b,': { team: 'payments', zone: 'b' },
    'note=a%2Cb%3Dc%20d,k%3D=v': { note: 'a,b=c d', 'k=': 'v' },
    'city=Z%C3%BCrich': { city: 'Zürich' },
    'empty=': { empty: '' },
    'a=1,a=2': { a: '2' },
  };
  for (const [text, attributes] of Object.entries(validTexts))
    it(`parses "${text}"`, () => {
      expect(parseResourceAttributes(text)).to.deep.equal(attributes);
    });

  for (const text of ['team', '=payments', 'a=b=c', 'good=1,bad', 'city=%ff', 'city=%'])
    it(`rejects the whole text "${text}"`, () => {
      expect(() => parseResourceAttributes(text)).to.throw();
    });
});
