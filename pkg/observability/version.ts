import { existsSync, readFileSync } from 'node:fs';

/** Version of this software, from the `package.json` above this file, compiled or not. */
export const softwareVersion: string = readVersion(new URL('.', import.meta.url));

function readVersion(folder: URL): string {
  const file = new URL('package.json', folder);
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const parent = new URL('..', folder);
  return parent.href === folder.href ? 'unknown' : readVersion(parent);
}
