import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { allowedClients } from '../../cmd/dev/certificates.js';

describe('docs/security.md', () => {
  it('lists the allowed clients as dev has them', () => {
    const [, shown] = /```allowed-clients\n(.*)\n```/.exec(readFileSync('docs/security.md', 'utf8')) ?? [];
    expect(shown).to.equal(allowedClients);
  });
});
