// Copies what the compiled services read at run time and tsc does not emit:
// SQL migrations and the protobuf descriptor set served by reflection.
import { cpSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';

for (const name of readdirSync('pkg')) {
  const migrations = join('pkg', name, 'migrations');
  if (existsSync(migrations)) cpSync(migrations, join('dist', migrations), { recursive: true });
}
cpSync('pkg/pb/descriptor-set.binpb', 'dist/pkg/pb/descriptor-set.binpb');
