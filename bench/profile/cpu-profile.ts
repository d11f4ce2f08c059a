/** A CPU profile as V8 writes it (`.cpuprofile`). Times are in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** Node ids. */
  readonly samples: readonly number[];
  /** Time since the sample before. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** Keeps the samples between two times. */
export function cut(profile: CpuProfile, from: number, to: number): CpuProfile {
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let time = profile.startTime;
  for (const [index, delta] of profile.timeDeltas.entries()) {
    time += delta;
    if (time < from || time >= to) continue;
    samples.push(profile.samples[index] ?? 0);
    timeDeltas.push(delta);
  }
  return { ...profile, startTime: from, endTime: to, samples, timeDeltas };
}

export interface Busy {
  /** Share of the time in which the process was not idle. */
  readonly share: number;
  /** Functions by self time, with their share of the busy time; the heaviest first. */
  readonly functions: readonly { readonly name: string; readonly share: number }[];
}

export function busyIn({ nodes, samples, timeDeltas, startTime, endTime }: CpuProfile): Busy {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name !== '(idle)') times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return {
    share: total / (endTime - startTime),
    functions: [...times]
      .map(([name, time]) => ({ name, share: time / total }))
      .toSorted((a, b) => b.share - a.share),
  };
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = /node_modules\/(?!.*node_modules\/).*$|dist\/.*$/.exec(url)?.[0] ?? url;
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
}
