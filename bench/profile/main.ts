import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Scope } from '../../pkg/runtime/index.js';
import { startCollector } from '../collector/collector.js';
import { Load } from '../load/load.js';
import { createOrders } from '../load/requests.js';
import { skus, System } from '../system.js';
import { workingTree } from '../version.js';
import { busyIn, cut, type CpuProfile } from './cpu-profile.js';

/* Writes a CPU profile of each service under a load of orders, and prints the functions with the most self time. */

const usage = 'Usage: make profile ARGS="[--seconds N] [--in-flight N]"\n';
const directory = path.resolve('.profiles');
const shown = 10;
const log = (message: string): void => void process.stderr.write(`${message}\n`);
const now = (): number => Number(process.hrtime.bigint() / 1000n);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(7);

async function profile(seconds: number, inFlight: number): Promise<number> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const timing = { warmUpMs: 3000, measuredMs: seconds * 1000 };
  const times: number[] = [];
  const problems: string[] = [];
  const scope = new Scope();
  const stop = (): void => void scope.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const load = new Load(scope);
    const onProblem = (problem: string): void => void problems.push(problem);
    const options = {
      name: 'profile',
      version: workingTree(),
      settings: ({ name }: { readonly name: string }) => ({
        NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${directory} --cpu-prof-name=${name}.cpuprofile`,
      }),
    };
    const system = await System.start(
      { load, timing, scope, telemetry: await startCollector(scope), log, onProblem, onWarning: log },
      options,
      scope,
    );
    log(`placing orders for ${seconds} s, ${inFlight} in flight`);
    const group = system.group('create', createOrders({ skus }), { inFlight });
    const result = await load.run({ groups: [group], ...timing }, () => times.push(now()));
    for (const [error, count] of Object.entries(result.groups['create']?.errors ?? {}))
      problems.push(`${count} calls failed with ${error}`);
    log(`${result.groups['create']?.perSecond.toFixed(0)} orders/s with the profiler`);
  } finally {
    // The services write their profiles when they stop.
    await scope.close();
  }
  for (const service of ['order', 'inventory', 'payment', 'catalog']) report(`${service}-service-1`, times);
  for (const problem of problems) log(`INVALID: ${problem}`);
  process.stdout.write(
    `\nProfiles for https://www.speedscope.app or the Chrome DevTools are in ${directory}\n`,
  );
  return problems.length > 0 ? 3 : 0;
}

/** Cuts a profile to the load and prints its heaviest functions. */
function report(name: string, [from = 0, to = 0]: readonly number[]): void {
  const file = path.join(directory, `${name}.cpuprofile`);
  const profiled = cut(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, from, to);
  writeFileSync(file, JSON.stringify(profiled));
  const { share, functions } = busyIn(profiled);
  const lines = functions.slice(0, shown).map((each) => `  ${percent(each.share)}  ${each.name}\n`);
  process.stdout.write(
    `\n${name}, busy for ${percent(share).trim()} of the time; self time:\n${lines.join('')}`,
  );
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    'in-flight': { type: 'string', default: '64' },
    help: { type: 'boolean', default: false },
  },
});
const [seconds, inFlight] = [Number(values.seconds), Number(values['in-flight'])];
if (values.help) process.stdout.write(usage);
else if (!(seconds > 0 && inFlight > 0)) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else process.exitCode = await profile(seconds, inFlight);
