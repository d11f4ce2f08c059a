// Removes the databases of this checkout. Where root works in a folder that the postgres user cannot
// enter, they are in the temporary folder, each beside a note of where it belongs.
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
        process.stderr.write(`${home} is in use: stop what uses it\n`);
      else rmSync(home, { recursive: true });
    } catch {
      // Somebody else's, or not a database.
    }
  }
}
rmSync('.data', { recursive: true, force: true });
