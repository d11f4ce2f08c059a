// Checks that no folder has too many source files, and that each package and process has a README.md.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';

const maxSources = 18;
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean);

const sources = files.filter(
  (file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.test.ts') && !file.startsWith('pkg/pb/'),
);
const perFolder = Map.groupBy(sources, dirname);
const tooMany = [...perFolder]
  .filter(([, inFolder]) => inFolder.length > maxSources)
  .map(
    ([folder, { length }]) =>
      `${folder} has ${length} source files, the limit is ${maxSources}: add sub-folders`,
  );

const units = new Set(files.flatMap((file) => /^(?:pkg|cmd)\/[^/]+(?=\/)/.exec(file) ?? []));
units.delete('pkg/pb');
const undocumented = [...units]
  .filter((unit) => !files.includes(`${unit}/README.md`))
  .map((unit) => `${unit} has no README.md`);

const problems = [...tooMany, ...undocumented];
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
