import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { allowedClients } from '../../cmd/dev/services/certificates.js';

describe('docs/security.md', () => {
  it('lists the clients that dev allows', () => {
    const [, shown] = /```allowed-clients\n(.*)\n```/.exec(readFileSync('docs/security.md', 'utf8')) ?? [];
    expect(shown).to.equal(allowedClients);
  });
});
