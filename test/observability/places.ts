import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What ships, and is what is verified. */
export const shipped = path.resolve('deployments/docker/observability');

/** Where everything writes its log; kept after a run. */
export const logDir = path.resolve('.logs/observability');
export const serviceLogDir = path.join(logDir, 'services');

export const dataDir = path.resolve('.data/observability');

const temporary = new Set<string>();
process.once('exit', () => temporary.forEach(remove));

function remove(folder: string): void {
  temporary.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** A folder that is removed when it is closed, and at the latest when this process ends. */
export function temporaryFolder(name: string): { readonly path: string; close(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), `order-processing-${name}-`));
  temporary.add(folder);
  return { path: folder, close: () => remove(folder) };
}
