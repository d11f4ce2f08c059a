import type { DevConfig } from './config.js';
import { addressTable } from './endpoints.js';
import { isAlive } from './process-id.js';
import { readState } from './state-file.js';
import { print } from './terminal.js';

/**
 * Says whether it runs, and where.
 * @returns the exit code: 0 when everything is ready, 3 when it does not run (as LSB has it)
 */
export function showStatus({ dataDir }: DevConfig): number {
  const state = readState(dataDir);
  if (!state || !isAlive(state.supervisor)) {
    print('dev does not run');
    return 3;
  }
  print(`dev is ${state.phase} (process ${state.supervisor.pid})`);
  if (state.endpoints) print(`\n${addressTable(state.endpoints)}\n`);
  return state.phase === 'ready' ? 0 : 3;
}
