import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { configurationTable } from './configuration-table.js';

describe('docs/configuration.md', () => {
  const rows = readFileSync('docs/configuration.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `') && !line.startsWith('| `CONFIG_FILE`'));

  it('has a row for every variable of a process and for CONFIG_FILE, and no other row', () => {
    expect(rows.join('\n')).to.equal(configurationTable().join('\n'));
  });
});
