import { expect } from 'chai';
import { assertMayLack } from '../unverified.js';

const lacking = (...names: string[]) =>
  names.map((name) => ({ name, what: `what ${name} checks`, reason: 'no network', remedy: 'a network' }));

describe('What is not verified', () => {
  it('is no failure where nothing is said about it', () => {
    for (const env of [{}, { MAY_LACK: '' }])
      expect(() => assertMayLack(lacking('trivy'), env)).not.to.throw();
  });

  it('is a failure unless it is among what may lack', () => {
    const assert = () => assertMayLack(lacking('trivy', 'machine', 'zizmor'), { MAY_LACK: 'machine node' });
    expect(assert).to.throw('there is no trivy, zizmor');
  });

  it('is no failure where all of it may lack', () => {
    expect(() => assertMayLack(lacking('machine'), { MAY_LACK: 'trivy machine' })).not.to.throw();
    expect(() => assertMayLack([], { MAY_LACK: 'none' })).not.to.throw();
  });

  it('is always a failure where nothing may lack', () => {
    expect(() => assertMayLack(lacking('trivy'), { MAY_LACK: 'none' })).to.throw('there is no trivy');
  });
});
