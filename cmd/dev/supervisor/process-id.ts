import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Identifies a process even after its pid is reused. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in a format that depends on the operating system. */
  readonly started: string;
}

const pollMs = 50;

/** Returns undefined when no live process has the pid. */
export function identify(pid: number): ProcessId | undefined {
  const started = process.platform === 'linux' ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive({ pid, started }: ProcessId): boolean {
  return identify(pid)?.started === started;
}

/** Waits until all processes have exited or `waitMs` have passed, and returns the live processes. */
export async function waitForExit(processes: readonly ProcessId[], waitMs: number): Promise<ProcessId[]> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const alive = processes.filter(isAlive);
    if (alive.length === 0 || Date.now() >= deadline) return alive;
    await delay(pollMs);
  }
}

/** Sends a signal; does nothing when the process has exited. */
export function sendSignal(target: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Reads the start time, which is field 22 of `pid (name) state …` in proc(5). The name may contain
 * spaces and parentheses.
 */
function startTimeFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    // The start time counts clock ticks since boot, so it is unique only together with the boot id.
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    };
    const [state, ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], options)
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
