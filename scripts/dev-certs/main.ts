import path from 'node:path';
import { parseArgs } from 'node:util';
import { serviceNames } from '../../cmd/dev/supervisor/protocol.js';
import { ensureCertificates } from './folder.js';

const usage = `Usage: dev-certs [--dir FOLDER]

Creates a development CA and a certificate for each service and for test-client in FOLDER (.certs).
Certificates with enough validity left are kept. Not for production: the key of the CA is in the same folder.
`;

const { values } = parseArgs({
  options: { dir: { type: 'string', default: '.certs' }, help: { type: 'boolean', default: false } },
});

if (values.help) process.stdout.write(usage);
else {
  const outcomes = await ensureCertificates(values.dir, [...serviceNames, 'test-client'], new Date());
  const lines = outcomes.map(
    ({ name, state, validUntil }) =>
      `${state}  ${path.join(values.dir, name).padEnd(28)} valid until ${validUntil.toISOString().slice(0, 10)}`,
  );
  process.stderr.write(`${lines.join('\n')}\n`);
}
