// Generates the code into a temporary folder and compares it with pkg/pb, byte for byte.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const buf = join('node_modules', '.bin', 'buf');
const folder = join('pkg', 'pb');

function filesIn(root) {
  const names = readdirSync(root, { recursive: true }).filter((name) => statSync(join(root, name)).isFile());
  return new Map(names.map((name) => [name, readFileSync(join(root, name))]));
}

function generate(base) {
  mkdirSync(join(base, folder), { recursive: true });
  execFileSync(buf, ['generate', '--output', base], { stdio: 'inherit' });
  const image = join(base, folder, 'descriptor-set.binpb');
  const options = ['--as-file-descriptor-set', '--exclude-source-info', '-o', image];
  execFileSync(buf, ['build', ...options], { stdio: 'inherit' });
}

const base = mkdtempSync(join(tmpdir(), 'order-processing-pb-'));
try {
  generate(base);
  const expected = filesIn(join(base, folder));
  const actual = filesIn(folder);
  const names = [...new Set([...expected.keys(), ...actual.keys()])];
  const different = names.filter((name) => !actual.get(name)?.equals(expected.get(name) ?? Buffer.alloc(0)));
  for (const name of different)
    process.stderr.write(`${join(folder, name)} differs from api/proto: run make proto\n`);
  process.exitCode = different.length === 0 ? 0 : 1;
} finally {
  rmSync(base, { recursive: true, force: true });
}
