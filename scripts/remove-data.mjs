// Removes the databases of this checkout. A database is in .data, or in a temporary folder if the user that runs PostgreSQL
// cannot enter .data. The file `origin` in a temporary folder contains the path in .data that the folder replaces.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';

const here = resolve('.data') + sep;

for (const temp of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
  const names = existsSync(temp) ? readdirSync(temp) : [];
  for (const name of names.filter((one) => /^order-processing-[0-9a-f]{16}$/.test(one))) {
    const home = join(temp, name);
    try {
      const origin = readFileSync(join(home, 'origin'), 'utf8');
      if (!origin.startsWith(here)) continue;
      if (existsSync(join(home, 'data', 'postmaster.pid')))
        process.stderr.write(`${home} is in use: stop its processes\n`);
      else rmSync(home, { recursive: true });
    } catch {
      // The folder belongs to another user, or does not contain a database.
    }
  }
}
rmSync('.data', { recursive: true, force: true });
