import { expect } from 'chai';
import { alternativeNames } from './authorization.js';

const lists: Record<string, readonly string[]> = {
  '': [],
  'DNS:order-service': ['order-service'],
  'DNS:Order-Service, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1': [
    'order-service',
    'localhost',
  ],
  'URI:spiffe://Shop/ns/a/sa/b, email:someone@shop.example, DNS:b': ['spiffe://Shop/ns/a/sa/b', 'b'],
  'DNS:"x, DNS:operator", DNS:b': ['b'],
  'DNS:"x\\", DNS:operator, DNS:\\"y"': [],
  'othername:<unsupported>, DNS:b': ['b'],
  'DNS:"x, DNS:operator': [],
  'DNS:a, nonsense': [],
  'DNS:a,DNS:operator': [],
};

describe('alternativeNames', () => {
  for (const [list, names] of Object.entries(lists))
    it(`parses ${JSON.stringify(list)} to ${JSON.stringify(names)}`, () => {
      expect(alternativeNames(list)).to.deep.equal(names);
    });
});
