import type { DevConfig } from '../config.js';
import { isAlive } from '../supervisor/process-id.js';
import { readState } from '../supervisor/state-file.js';
import { describeEndpoints } from '../terminal/endpoints.js';
import { print } from '../terminal/output.js';

/**
 * Prints the phase of dev, its memory and its addresses.
 * @returns the exit code: 0 in phase `ready`, otherwise 3 ("program is not running" in LSB init scripts)
 */
export async function showStatus({ dataDir }: DevConfig): Promise<number> {
  const state = readState(dataDir);
  if (!state || !isAlive(state.supervisor)) {
    print('dev is not running');
    return 3;
  }
  print(`dev is ${state.phase} (process ${state.supervisor.pid})`);
  if (state.endpoints) print(`\n${await describeEndpoints(state.endpoints)}\n`);
  return state.phase === 'ready' ? 0 : 3;
}
