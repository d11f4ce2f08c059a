import { existsSync } from 'node:fs';
import type { DevConfig } from '../config.js';
import { stopOrphanedCluster } from '../postgres/cluster.js';
import { endOrphanedProcesses, supervisorStopMs } from '../supervisor/orphaned-processes.js';
import { isAlive, sendSignal, waitForExit, type ProcessId } from '../supervisor/process-id.js';
import { readState, StateFile } from '../supervisor/state-file.js';
import { print } from '../terminal/output.js';

/**
 * Stops the supervisor of the data directory, and the orphaned processes of a killed supervisor.
 * @returns the exit code
 */
export async function stopDev({ dataDir }: DevConfig): Promise<number> {
  const supervisor = readState(dataDir)?.supervisor;
  const wasRunning = supervisor !== undefined && isAlive(supervisor);
  if (wasRunning) await stopSupervisor(supervisor);
  const foundOrphans = await stopOrphans(dataDir);
  if (wasRunning || foundOrphans) print('stopped');
  else print('dev is not running');
  return 0;
}

async function stopSupervisor(supervisor: ProcessId): Promise<void> {
  print(`stopping dev (process ${supervisor.pid})`);
  sendSignal(supervisor, 'SIGTERM');
  const stuck = await waitForExit([supervisor], supervisorStopMs);
  if (stuck.length === 0) return;
  print(`dev did not stop within ${supervisorStopMs / 1000} s; killing it`);
  sendSignal(supervisor, 'SIGKILL');
  await waitForExit(stuck, supervisorStopMs);
}

/** Stops the processes of a killed supervisor and removes its state file. Returns false when neither exists. */
async function stopOrphans(dataDir: string): Promise<boolean> {
  if (!existsSync(dataDir)) return false;
  const { stateFile, staleState } = StateFile.acquire(dataDir, undefined);
  try {
    if (staleState) await endOrphanedProcesses(staleState, print);
    const stopped = await stopOrphanedCluster(dataDir, print);
    if (stopped) print('stopped the PostgreSQL server of an earlier run');
    return stopped || staleState !== undefined;
  } finally {
    stateFile.close();
  }
}
