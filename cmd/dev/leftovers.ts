import { isAlive, sendSignal, untilEnded, type ProcessId } from './process-id.js';
import { isEnding, readState, type DevState } from './state-file.js';

/** Services of a supervisor that was killed notice and stop by themselves, usually at once. */
const serviceMs = 15_000;
const pollMs = 500;
/** Longest time of an orderly stop: services, then PostgreSQL; milliseconds. */
export const stopMs = 90_000;

/**
 * Waits until nothing that a dead supervisor had started runs any more; kills what does not end.
 * Otherwise it would hold its ports.
 */
export async function endChildren(
  { children }: Pick<DevState, 'children'>,
  onProgress: (message: string) => void,
): Promise<void> {
  const alive = await untilEnded(children, 0);
  if (alive.length === 0) return;
  onProgress(`waiting for ${list(alive)} of an earlier run to end`);
  const stuck = await untilEnded(alive, serviceMs);
  if (stuck.length === 0) return;
  onProgress(`killing ${list(stuck)} of an earlier run`);
  for (const child of stuck) sendSignal(child, 'SIGKILL');
  await untilEnded(stuck, serviceMs);
}

/** Waits for a supervisor that is stopping already, or will because its parent has ended. */
export async function awaitEndingSupervisor(
  dataDir: string,
  onProgress: (message: string) => void,
): Promise<void> {
  const supervisor = endingSupervisor(dataDir);
  if (!supervisor) return;
  onProgress(`waiting for process ${supervisor.pid}, which is stopping`);
  const deadline = Date.now() + stopMs;
  while (endingSupervisor(dataDir) && Date.now() < deadline) {
    await untilEnded([supervisor], pollMs);
  }
  const stuck = endingSupervisor(dataDir);
  if (!stuck) return;
  onProgress(`killing process ${stuck.pid}, which does not stop`);
  sendSignal(stuck, 'SIGKILL');
  await untilEnded([stuck], serviceMs);
}

function endingSupervisor(dataDir: string): ProcessId | undefined {
  const state = readState(dataDir);
  return state && isEnding(state) && isAlive(state.supervisor) ? state.supervisor : undefined;
}

function list(processes: readonly ProcessId[]): string {
  const pids = processes.map(({ pid }) => pid).join(', ');
  return processes.length === 1 ? `process ${pids}` : `processes ${pids}`;
}
