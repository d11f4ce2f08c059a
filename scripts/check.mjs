// Runs every check, even after a failure, and lists the failed checks at the end.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', name);

const checks = [
  { name: 'format', command: [bin('oxfmt'), '--check'], hint: 'make fmt' },
  { name: 'lint', command: [bin('oxlint'), '--type-aware'] },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'contract style', command: [bin('buf'), 'lint'] },
  { name: 'contract compatibility', command: [process.execPath, join('scripts', 'proto-breaking.mjs')] },
  {
    name: 'generated code',
    command: [process.execPath, join('scripts', 'proto-unchanged.mjs')],
    hint: 'make proto',
  },
  { name: 'layout', command: [process.execPath, join('scripts', 'check-layout.mjs')] },
  {
    name: 'spelling',
    command: [
      bin('cspell'),
      'lint',
      '--quiet',
      '--no-progress',
      '--dot',
      '--cache',
      '--cache-location',
      join('node_modules', '.cache', 'cspell'),
    ],
    hint: 'correct the word, or add it to docs/spelling.txt',
  },
  { name: 'unit tests', command: [bin('mocha'), '--config', 'test/mocha/unit.json'] },
];

function passes({ name, command: [program, ...args] }) {
  process.stdout.write(`\n== ${name}\n`);
  const started = Date.now();
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) process.stdout.write(`${error.message}\n`);
  process.stdout.write(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${Date.now() - started} ms\n`);
  return status === 0;
}

const failed = checks.filter((check) => !passes(check));
for (const { name, hint } of failed)
  process.stdout.write(`\ncheck failed: ${name}${hint ? ` (try: ${hint})` : ''}`);
process.stdout.write(`\n${checks.length - failed.length} of ${checks.length} checks passed\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
