import { Scope } from '../pkg/runtime/index.js';
import type { Bench, Contender, FigureSpec, Part, PartRun } from './bench.js';
import type { Cell, Sample } from './cell.js';
import { Reference } from './reference/reference.js';
import { median, relativeRange } from './statistics.js';
import { System } from './system.js';
import type { Version } from './version.js';

export interface RunOptions {
  readonly parts: readonly Part[];
  readonly versions: Readonly<Partial<Record<Contender['name'], Version>>>;
  readonly rounds: number;
  readonly storedOrders: number;
}

/** A figure of each contender, with one value for each round. */
export interface Figure {
  readonly part: string;
  readonly name: string;
  readonly unit: string;
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** Cells of one contender or of the references, with their samples in the sequence of the rounds. */
type Lane = readonly { readonly cell: Cell; readonly samples: Sample[] }[];

/** Limits of figures to publish: the range of the rate of the bare chain, and the cores that other programs use. */
const maxChainRange = 0.3;
const maxOtherCores = 0.15;

/** Runs the parts one after another, and then the audit on every system. */
export async function runParts(bench: Bench, options: RunOptions): Promise<Figure[]> {
  const reference = await Reference.start(bench);
  const contenders: Contender[] = [];
  for (const [name, version] of Object.entries(options.versions) as [Contender['name'], Version][])
    contenders.push({ name, version, system: await System.start(bench, { name, version }, bench.scope) });
  const figures: Figure[] = [];
  for (const part of options.parts)
    figures.push(...(await runPart(part, { bench, reference, contenders, ...options })));
  for (const { system } of contenders) await system.check();
  return figures;
}

interface PartOptions extends RunOptions {
  readonly bench: Bench;
  readonly reference: Reference;
  readonly contenders: readonly Contender[];
}

async function runPart(part: Part, options: PartOptions): Promise<Figure[]> {
  const { bench, reference, contenders, rounds, storedOrders } = options;
  bench.log(`part ${part.name}`);
  const scope = new Scope();
  const systems: System[] = [];
  try {
    const shared = laneOf(await part.reference(reference));
    const lanes: Lane[] = [shared];
    for (const contender of contenders) {
      const start: PartRun['start'] = async ({ name, ...settings }) => {
        const named = { ...settings, name: `${contender.name}-${name}`, version: contender.version };
        const system = await System.start(bench, named, scope);
        systems.push(system);
        return system;
      };
      lanes.push(laneOf(await part.cells({ ...contender, scope, storedOrders, start })));
    }
    await measureRounds(lanes, rounds, bench.log);
    for (const { cell, samples } of lanes.flat())
      if (!samples.every(({ rate = 0 }) => rate > 0))
        bench.onProblem(`${part.name}: ${cell.name}: no call succeeded in a round`);
    for (const warning of findDisturbances(lanes)) bench.onWarning(`${part.name}: ${warning}`);
    for (const system of systems) await system.check();
    return part.figures.map((spec) => {
      const values = contenders.map(({ name }, index) => {
        const cells = [...shared, ...(lanes[index + 1] ?? [])];
        return [name, Array.from({ length: rounds }, (_, round) => valueOf(spec, cells, round))] as const;
      });
      return { part: part.name, name: spec.name, unit: spec.unit, values: Object.fromEntries(values) };
    });
  } finally {
    await scope.close();
  }
}

const laneOf = (cells: readonly Cell[]): Lane => cells.map((cell) => ({ cell, samples: [] }));

/** Measures all lanes once without result, then `rounds` times. In each round another lane comes first. */
async function measureRounds(lanes: readonly Lane[], rounds: number, log: Bench['log']): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    log(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    const first = round % lanes.length;
    for (const lane of [...lanes.slice(first), ...lanes.slice(0, first)])
      for (const { cell, samples } of lane) {
        const sample = await cell.measure();
        if (round > 0) samples.push(sample);
      }
  }
}

function valueOf({ of }: FigureSpec, cells: Lane, round: number): number {
  return of((name, figure = 'rate') => {
    const found = cells.find(({ cell }) => cell.name === name);
    if (!found) throw new Error(`no cell is named ${name}`);
    return found.samples[round]?.[figure] ?? Number.NaN;
  });
}

/** Returns why the machine was too busy for meaningful figures. */
function findDisturbances(lanes: readonly Lane[]): string[] {
  const cells = lanes.flat();
  const chain = cells.find(({ cell }) => cell.name === 'chain 64')?.samples ?? [];
  const range = relativeRange(chain.map(({ rate = Number.NaN }) => rate));
  const others = median(
    cells.flatMap(({ samples }) => samples.flatMap((sample) => sample['other CPU'] ?? [])),
  );
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return [
    range <= maxChainRange
      ? []
      : [`the rate of the bare chain varied by ${percent(range)}, more than ${percent(maxChainRange)}`],
    others <= maxOtherCores
      ? []
      : [`other programs used ${others.toFixed(2)} cores, more than ${maxOtherCores}`],
  ].flat();
}
