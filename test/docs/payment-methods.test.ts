import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { testMethods } from '../../pkg/payment/gateway/test-methods.js';

describe('the test payment methods of docs/development-guide.md', () => {
  const guide = readFileSync('docs/development-guide.md', 'utf8');
  const [, section = ''] = guide.split('## Test payment methods\n');
  const documented = [...(section.split('\n## ')[0] ?? '').matchAll(/`(pm_\w+)`/g)].map(([, name]) => name);

  it('are the payment methods of the simulated gateway', () => {
    expect(documented).to.have.members([...testMethods, 'pm_fail_2_then_approve']);
  });
});
