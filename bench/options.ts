import { parseArgs } from 'node:util';
import type { Part } from './bench.js';
import { contention } from './parts/contention.js';
import { core } from './parts/core.js';
import { growth } from './parts/growth.js';
import { latency } from './parts/latency.js';
import { outcomes } from './parts/outcomes.js';
import { mainRatio, smoke } from './parts/smoke.js';
import { telemetry } from './parts/telemetry.js';
import type { Timing } from './cell.js';

const allParts: readonly Part[] = [core, latency, contention, outcomes, growth, telemetry];
const names = allParts.map(({ name }) => name).join(',');

export const usage = `Usage: make bench ARGS="[options]"

  --parts LIST         of ${names}; all by default
  --rounds N           rounds of measurements (5; with --smoke 3)
  --seconds N          length of one measurement (4; with --smoke 3)
  --stored N           stored orders of the part growth (1000000)
  --baseline COMMIT    also builds and measures a commit, in the same rounds
  --smoke              only CreateOrder and the bare chain, about a minute
  --min-ratio R        exit code 1 when the median of CreateOrder ÷ bare chain,
                       64 in flight, is below R (parts smoke and core)
  --json FILE          writes all values
  --svg FILE           writes a bar chart
  --write              writes the section of docs/performance.md and its chart

Exit codes: 0 valid, 1 below --min-ratio, 2 wrong usage or not finished,
3 invalid: failed calls or violated invariants, or --write on a busy machine.
`;

export interface Options {
  readonly parts: readonly Part[];
  readonly rounds: number;
  readonly timing: Timing;
  readonly storedOrders: number;
  readonly baseline: string | undefined;
  readonly minRatio: number;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly write: boolean;
}

/** @throws Error for invalid usage */
export function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      parts: { type: 'string', default: names },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      stored: { type: 'string', default: '1000000' },
      baseline: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      'min-ratio': { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { smoke: isSmoke, baseline, json, svg, write } = values;
  if (isSmoke && write) throw new Error('--smoke and --write exclude each other');
  const number = (name: string, text: string): number => {
    const parsed = Number(text);
    if (!(parsed > 0)) throw new Error(`--${name} is not a positive number: ${text}`);
    return parsed;
  };
  const seconds = number('seconds', values.seconds ?? (isSmoke ? '3' : '4'));
  const parts = isSmoke ? [smoke] : selectParts(values.parts);
  const { 'min-ratio': limit } = values;
  const minRatio = limit === undefined ? 0 : number('min-ratio', limit);
  if (minRatio > 0 && !parts.some(({ figures }) => figures.some(({ name }) => name === mainRatio)))
    throw new Error('--min-ratio needs --smoke or the part core');
  return {
    parts,
    rounds: Math.ceil(number('rounds', values.rounds ?? (isSmoke ? '3' : '5'))),
    timing: { warmUpMs: 1500, measuredMs: seconds * 1000 },
    storedOrders: number('stored', values.stored),
    minRatio,
    baseline,
    json,
    svg,
    write,
  };
}

function selectParts(list: string): readonly Part[] {
  return list.split(',').map((name) => {
    const part = allParts.find((each) => each.name === name);
    if (!part) throw new Error(`unknown part: ${name}`);
    return part;
  });
}
