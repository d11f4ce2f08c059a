import { existsSync, readFileSync } from 'node:fs';

/** Version of the nearest `package.json` above this file; works in the sources and in `dist`. */
export const softwareVersion: string = readVersion(new URL('.', import.meta.url));

function readVersion(folder: URL): string {
  const file = new URL('package.json', folder);
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const parent = new URL('..', folder);
  return parent.href === folder.href ? 'unknown' : readVersion(parent);
}
