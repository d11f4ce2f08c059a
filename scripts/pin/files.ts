import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Returns the files below `root` that may refer to actions or images. */
export function pinnedFiles(root: string): string[] {
  const actions = list(root, '.github').filter((file) => /\.ya?ml$/.test(file));
  const images = list(root, 'deployments').filter((file) => /(\.ya?ml|Dockerfile)$/.test(file));
  return [...actions, ...images];
}

function list(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}
