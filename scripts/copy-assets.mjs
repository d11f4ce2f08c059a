// Copies run-time files that tsc does not emit: SQL migrations and the descriptor set for reflection.
import { cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

for (const name of readdirSync('pkg')) {
  const migrations = join('pkg', name, 'migrations');
  const filter = (path) => path.endsWith('.sql') || statSync(path).isDirectory();
  if (existsSync(migrations)) cpSync(migrations, join('dist', migrations), { recursive: true, filter });
}
cpSync('pkg/pb/descriptor-set.binpb', 'dist/pkg/pb/descriptor-set.binpb');
