import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';

/** Where a program of this name may be on the PATH, in its order. */
export function placesOnPath(env: Environment, name: string): string[] {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => path.join(folder, name));
}
