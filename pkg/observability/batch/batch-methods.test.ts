import { expect } from 'chai';
import { isBatchMethod } from './batch-methods.js';

describe('isBatchMethod', () => {
  it('recognizes batch methods by name, and not reads of many keys', () => {
    for (const method of ['/a.v1.A/BatchReserveStock', 'a.v1.A/BatchReserveStock', 'BatchReserveStock'])
      expect(isBatchMethod(method), method).to.equal(true);
    for (const method of ['/a.v1.A/BatchGetStock', 'ReserveStock', '/a.v1.BatchService/Get'])
      expect(isBatchMethod(method), method).to.equal(false);
  });
});
