import { isAlive, sendSignal, waitForExit, type ProcessId } from './process-id.js';
import { isStopping, readState, type DevState } from './state-file.js';

/** Maximum wait for the exit of a service after its IPC channel has closed. */
const serviceStopMs = 15_000;
const pollMs = 500;
/** Maximum wait for the exit of a supervisor, which stops the services and then PostgreSQL. */
export const supervisorStopMs = 90_000;

/**
 * Waits for the children of a dead supervisor to exit, and kills the children that do not exit in time.
 * An orphaned process would keep its ports in use.
 */
export async function endOrphanedProcesses(
  { children }: Pick<DevState, 'children'>,
  onProgress: (message: string) => void,
): Promise<void> {
  const alive = await waitForExit(children, 0);
  if (alive.length === 0) return;
  onProgress(`waiting for ${formatPids(alive)} of an earlier run to stop`);
  const stuck = await waitForExit(alive, serviceStopMs);
  if (stuck.length === 0) return;
  onProgress(`killing ${formatPids(stuck)} of an earlier run`);
  for (const child of stuck) sendSignal(child, 'SIGKILL');
  await waitForExit(stuck, serviceStopMs);
}

/** Waits for the exit of a supervisor that is stopping, and kills a supervisor that does not exit in time. */
export async function awaitStoppingSupervisor(
  dataDir: string,
  onProgress: (message: string) => void,
): Promise<void> {
  const supervisor = stoppingSupervisor(dataDir);
  if (!supervisor) return;
  onProgress(`waiting for process ${supervisor.pid}, which is stopping`);
  const deadline = Date.now() + supervisorStopMs;
  while (stoppingSupervisor(dataDir) && Date.now() < deadline) {
    await waitForExit([supervisor], pollMs);
  }
  const stuck = stoppingSupervisor(dataDir);
  if (!stuck) return;
  onProgress(`killing process ${stuck.pid}, which does not stop`);
  sendSignal(stuck, 'SIGKILL');
  await waitForExit([stuck], serviceStopMs);
}

function stoppingSupervisor(dataDir: string): ProcessId | undefined {
  const state = readState(dataDir);
  return state && isStopping(state) && isAlive(state.supervisor) ? state.supervisor : undefined;
}

function formatPids(processes: readonly ProcessId[]): string {
  const pids = processes.map(({ pid }) => pid).join(', ');
  return processes.length === 1 ? `process ${pids}` : `processes ${pids}`;
}
