import { expect } from 'chai';
import { isReason, reasons } from './reason.js';

describe('reasons', () => {
  it('are unique, sorted and in the format of ErrorInfo', () => {
    expect(reasons).to.deep.equal([...new Set(reasons)].toSorted());
    for (const reason of reasons) expect(reason).to.match(/^[A-Z][A-Z0-9_]+[A-Z0-9]$/);
  });

  it('are recognized by isReason', () => {
    for (const reason of reasons) expect(isReason(reason)).to.equal(true);
    for (const text of ['', 'conflict', 'CONFLICT ', 'toString']) expect(isReason(text)).to.equal(false);
  });
});
