import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Rule {
  readonly isException: boolean;
  readonly pattern: RegExp;
}

const rules = readFileSync('.dockerignore', 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map(parseRule);

function parseRule(line: string): Rule {
  const isException = line.startsWith('!');
  const glob = isException ? line.slice(1) : line;
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('**/', '(?:.+/)?')
    .replaceAll(/(?<!\.)\*/g, '[^/]*');
  // A rule for a folder is one for all that is in it.
  return { isException, pattern: new RegExp(`^${source}(?:/.*)?$`) };
}

/** Whether a file or folder of this repository reaches the builder: the last rule that fits says. */
export function isInContext(file: string): boolean {
  const name = path.relative('.', file);
  return rules.findLast(({ pattern }) => pattern.test(name))?.isException ?? true;
}
