import { existsSync } from 'node:fs';
import { stopLeftCluster } from './cluster.js';
import type { DevConfig } from './config.js';
import { endChildren, stopMs } from './leftovers.js';
import { isAlive, sendSignal, untilEnded, type ProcessId } from './process-id.js';
import { readState, StateFile } from './state-file.js';
import { print } from './terminal.js';

/**
 * Stops what runs on the data directory, and what a supervisor that was killed has left there.
 * @returns the exit code
 */
export async function stopDev({ dataDir }: DevConfig): Promise<number> {
  const supervisor = readState(dataDir)?.supervisor;
  const ran = supervisor !== undefined && isAlive(supervisor);
  if (ran) await stopSupervisor(supervisor);
  const tidied = await tidyUp(dataDir);
  if (ran || tidied) print('stopped');
  else print('dev does not run');
  return 0;
}

async function stopSupervisor(supervisor: ProcessId): Promise<void> {
  print(`stopping dev (process ${supervisor.pid})`);
  sendSignal(supervisor, 'SIGTERM');
  const stuck = await untilEnded([supervisor], stopMs);
  if (stuck.length === 0) return;
  print(`it did not stop within ${stopMs / 1000} s; killing it`);
  sendSignal(supervisor, 'SIGKILL');
  await untilEnded(stuck, stopMs);
}

/** True when there was something to do. */
async function tidyUp(dataDir: string): Promise<boolean> {
  if (!existsSync(dataDir)) return false;
  const { own, stale } = StateFile.claim(dataDir, undefined);
  try {
    if (stale) await endChildren(stale, print);
    const left = await stopLeftCluster(dataDir, print);
    if (left) print('stopped the PostgreSQL of an earlier run');
    return left || stale !== undefined;
  } finally {
    own.close();
  }
}
