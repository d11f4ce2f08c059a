import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Folder with the shipped configuration of the observability stack. */
export const shipped = path.resolve('deployments/docker/observability');

/** Folder with the logs of a run. The logs remain after the run. */
export const logDir = path.resolve('.logs/observability');
export const serviceLogDir = path.join(logDir, 'services');

export const dataDir = path.resolve('.data/observability');

const temporary = new Set<string>();
process.once('exit', () => temporary.forEach(remove));

function remove(folder: string): void {
  temporary.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Creates a temporary folder. `close` or the end of this process removes the folder. */
export function temporaryFolder(name: string): { readonly path: string; close(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), `order-processing-${name}-`));
  temporary.add(folder);
  return { path: folder, close: () => remove(folder) };
}
