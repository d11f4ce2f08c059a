import { expect } from 'chai';
import { assertAllowedMissing } from './unverified.js';

const cases: readonly (readonly [missing: string, MAY_LACK: string, rejected?: string])[] = [
  ['trivy', ''],
  ['trivy', 'none', 'trivy'],
  ['trivy machine', 'machine node', 'trivy'],
  ['machine', 'trivy machine'],
  ['', 'none'],
];

describe('MAY_LACK', () => {
  for (const [names, MAY_LACK, rejected] of cases) {
    const run = names === '' ? 'a run with all tools' : `a run without the tools ${names}`;
    it(`'${MAY_LACK}' ${rejected === undefined ? 'allows' : 'rejects'} ${run}`, () => {
      const missing = names
        .split(' ')
        .filter((name) => name !== '')
        .map((name) => ({ name, what: 'a check', reason: 'no network', remedy: 'a network' }));
      const assert = () => assertAllowedMissing(missing, { MAY_LACK });
      if (rejected === undefined) expect(assert).not.to.throw();
      else expect(assert).to.throw(`MAY_LACK=${MAY_LACK}: ${rejected}`);
    });
  }
});
