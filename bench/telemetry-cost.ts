import { parseArgs } from 'node:util';
import type { Environment } from '../pkg/config/index.js';
import { Scope } from '../pkg/runtime/index.js';
import { OrderLoad, type LoadSize } from './order-load.js';
import { startSink } from './start-sink.js';
import { median, ratios, spread } from './statistics.js';
import { table } from './table.js';
import { startSystem, type System } from './system.js';

/*
 * What telemetry costs: the same load on three systems that run side by side, one without telemetry,
 * one that records a tenth of the traces, one that records all. They take turns in short rounds, so
 * that whatever else the machine does falls on all three.
 */

const usage = `Usage: make bench ARGS="[--rounds N] [--orders N] [--concurrency N] [--json]"
`;

interface Mode {
  readonly name: string;
  readonly env: Environment;
}

interface Contestant extends Mode {
  readonly system: System;
  readonly load: OrderLoad;
  readonly ordersPerSecond: number[];
  readonly cpuMsPerOrder: number[];
}

function modes(endpoint: string): readonly Mode[] {
  const sampled = (share: string): Environment => ({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: share,
  });
  return [
    { name: 'off', env: { OTEL_SDK_DISABLED: 'true', LOG_LEVEL: 'silent' } },
    { name: '10 %', env: sampled('0.1') },
    { name: '100 %', env: sampled('1') },
  ];
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    orders: { type: 'string', default: '400' },
    concurrency: { type: 'string', default: '32' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const size: LoadSize = { orders: Number(values.orders), concurrency: Number(values.concurrency) };

if (values.help) process.stdout.write(usage);
else if (![rounds, size.orders, size.concurrency].every((count) => Number.isInteger(count) && count > 0)) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else await compare();

async function compare(): Promise<void> {
  const scope = new Scope();
  const stop = (): void => void scope.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const endpoint = await startSink(scope);
    const contestants: Contestant[] = [];
    for (const mode of modes(endpoint)) {
      say(`starting the system, telemetry ${mode.name}`);
      const system = await startSystem(mode.env, scope);
      const load = new OrderLoad(system.orders, system.skus, size.concurrency);
      scope.defer(() => load.close());
      contestants.push({ ...mode, system, load, ordersPerSecond: [], cpuMsPerOrder: [] });
    }
    say('warming up');
    for (const contestant of contestants) await contestant.load.run(size);
    for (let round = 0; round < rounds; round += 1) {
      for (const contestant of rotated(contestants, round)) await measure(contestant);
      say(`round ${round + 1} of ${rounds}: ${contestants.map(lastRate).join(' · ')}`);
    }
    report(contestants);
  } finally {
    await scope.close();
  }
}

/** Nobody is always first, or always after the same one. */
function rotated(contestants: readonly Contestant[], round: number): readonly Contestant[] {
  const from = round % contestants.length;
  return [...contestants.slice(from), ...contestants.slice(0, from)];
}

async function measure({ system, load, ordersPerSecond, cpuMsPerOrder }: Contestant): Promise<void> {
  const before = await cpuSecondsOf(system);
  const seconds = await load.run(size);
  const used = (await cpuSecondsOf(system)) - before;
  ordersPerSecond.push(size.orders / seconds);
  cpuMsPerOrder.push((used / size.orders) * 1000);
}

async function cpuSecondsOf(system: System): Promise<number> {
  return (await system.usage()).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

function lastRate({ name, ordersPerSecond }: Contestant): string {
  return `${name} ${(ordersPerSecond.at(-1) ?? 0).toFixed(0)}/s`;
}

function report(contestants: readonly Contestant[]): void {
  const [off] = contestants as [Contestant, ...Contestant[]];
  const results = contestants.map(({ name, ordersPerSecond, cpuMsPerOrder }) => ({
    telemetry: name,
    ordersPerSecond: median(ordersPerSecond),
    throughputRatio: ratios(ordersPerSecond, off.ordersPerSecond),
    cpuMsPerOrder: median(cpuMsPerOrder),
    cpuRatio: ratios(cpuMsPerOrder, off.cpuMsPerOrder),
  }));
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ rounds, ...size, results }, undefined, 2)}\n`);
    return;
  }
  const rows = results.map((result) => [
    result.telemetry,
    result.ordersPerSecond.toFixed(0),
    spread(result.throughputRatio),
    result.cpuMsPerOrder.toFixed(2),
    spread(result.cpuRatio),
  ]);
  process.stdout.write(table(['telemetry', 'orders/s', 'of off', 'CPU ms/order', 'of off'], rows));
  process.stdout.write(
    `Medians of ${rounds} rounds of ${size.orders} orders, ${size.concurrency} at a time; ratios within each round (lowest to highest). CPU is that of the four services.\n`,
  );
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
