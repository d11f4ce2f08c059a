import type { Bench } from './bench.js';
import type { Counters } from './counters.js';
import type { LoadGroup, LoadResult, LoadRun } from './load/load-run.js';
import { readUsage, type Usage } from './processes.js';

/** Figures of one measurement by name. */
export type Sample = Readonly<Record<string, number>>;

/** Something that is measured once in each round. */
export interface Cell {
  readonly name: string;
  measure(): Promise<Sample>;
}

export type Timing = Omit<LoadRun, 'groups'>;

/** A target of load, with the processes and the database whose cost counts. */
export interface Target {
  /** Names by process id. */
  readonly processes: () => ReadonlyMap<number, string>;
  readonly counters?: () => Promise<Counters>;
}

export interface Measurement {
  readonly groups: LoadResult['groups'];
  readonly sample: Sample;
}

/** Runs load and measures rate, latency and cost per call of the first group. */
export async function measureLoad(
  { load, timing, onProblem }: Pick<Bench, 'load' | 'timing' | 'onProblem'>,
  { processes, counters }: Target,
  groups: readonly LoadGroup[],
): Promise<Measurement> {
  const usages: Usage[] = [];
  const counts: Promise<Counters | undefined>[] = [];
  const result = await load.run({ groups, ...timing }, () => {
    usages.push(readUsage(processes()));
    counts.push(Promise.resolve(counters?.()));
  });
  for (const [name, { errors }] of Object.entries(result.groups))
    for (const [error, count] of Object.entries(errors))
      onProblem(`${name}: ${count} calls failed: ${error}`);
  const [from, to] = usages;
  const first = result.groups[groups[0]?.name ?? ''];
  if (!from || !to || !first) throw new Error('the load had no measured window');
  const { perSecond, p50, p99 } = first;
  const calls = perSecond * (to.time - from.time);
  const [before, after] = await Promise.all(counts);
  const increase = (key: keyof Counters): number => (after?.[key] ?? 0) - (before?.[key] ?? 0);
  const sample = {
    rate: perSecond,
    p50,
    p99,
    'load CPU': result.cores,
    commits: increase('commits') / calls,
    fsyncs: increase('fsyncs') / calls,
    'WAL bytes': increase('walBytes') / calls,
    'batch size': increase('batchItems') / increase('batches'),
    ...costs(from, to, calls),
  };
  return { groups: result.groups, sample };
}

/** CPU time in ms per call and by process, memory, and the cores that other programs used. */
function costs(from: Usage, to: Usage, calls: number): Sample {
  const byProcess = [...to.cpu].map(([name, seconds]): [string, number] => [
    `CPU ${name}`,
    ((seconds - (from.cpu.get(name) ?? 0)) * 1000) / calls,
  ]);
  const memory = [...to.residentBytes].map(([name, bytes]): [string, number] => [`memory ${name}`, bytes]);
  const others = to.machine - from.machine - (to.ours - from.ours);
  return {
    ...Object.fromEntries([...byProcess, ...memory]),
    CPU: byProcess.reduce((sum, [, ms]) => sum + ms, 0),
    'other CPU': Math.max(0, others) / (to.time - from.time),
  };
}
