import { readdirSync, readFileSync } from 'node:fs';

interface ProcessStat {
  readonly parent: number;
  /** CPU time in ticks of 10 ms, without its children. */
  readonly ticks: number;
  /** CPU time of its children that have ended. */
  readonly reapedTicks: number;
  readonly residentBytes: number;
}

/** CPU time of processes in seconds, and their memory, at one point in time. */
export interface Usage {
  readonly time: number;
  /** CPU seconds by name. */
  readonly cpu: ReadonlyMap<string, number>;
  readonly residentBytes: ReadonlyMap<string, number>;
  /** CPU seconds of this process and all its descendants. */
  readonly ours: number;
  /** CPU seconds of the whole machine, including the time that the hypervisor took. */
  readonly machine: number;
}

const ticksPerSecond = 100;
const pageBytes = 4096;

/**
 * Reads CPU time and memory from /proc (Linux). `named` are the processes of interest; a process named `postgres` counts
 * with its children, the backends.
 */
export function readUsage(named: ReadonlyMap<number, string>): Usage {
  const processes = readProcesses();
  const cpu = new Map<string, number>();
  const residentBytes = new Map<string, number>();
  for (const [pid, { parent, ticks, reapedTicks, residentBytes: resident }] of processes) {
    const name = named.get(pid) ?? (named.get(parent) === 'postgres' ? 'postgres' : undefined);
    if (name === undefined) continue;
    cpu.set(name, (cpu.get(name) ?? 0) + (ticks + reapedTicks) / ticksPerSecond);
    // The backends share their memory.
    if (named.has(pid)) residentBytes.set(name, (residentBytes.get(name) ?? 0) + resident);
  }
  return {
    time: performance.now() / 1000,
    cpu,
    residentBytes,
    ours: treeTicks(process.pid, processes) / ticksPerSecond,
    machine: machineTicks() / ticksPerSecond,
  };
}

function readProcesses(): Map<number, ProcessStat> {
  const processes = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const text = Number.isInteger(pid) ? read(`/proc/${name}/stat`) : '';
    if (text === '') continue;
    // The name of the program may contain spaces and parentheses. The state, field 3, follows the name.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const at = (field: number): number => fields[field - 3] ?? 0;
    processes.set(pid, {
      parent: at(4),
      ticks: at(14) + at(15),
      reapedTicks: at(16) + at(17),
      residentBytes: at(24) * pageBytes,
    });
  }
  return processes;
}

function treeTicks(root: number, processes: ReadonlyMap<number, ProcessStat>): number {
  const isOurs = (pid: number): boolean => {
    let current: number | undefined = pid;
    while (current !== undefined && current !== root) current = processes.get(current)?.parent;
    return current === root;
  };
  return [...processes]
    .filter(([pid]) => isOurs(pid))
    .reduce((sum, [, { ticks, reapedTicks }]) => sum + ticks + reapedTicks, 0);
}

/** Sums user, nice, system, irq, softirq and steal time of all cores. */
function machineTicks(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    /^cpu .*$/m.exec(read('/proc/stat'))?.[0] ?? ''
  )
    .split(/ +/)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** Returns an empty text when the process has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
