import { parseArgs } from 'node:util';
import type { Environment } from '../pkg/config/index.js';
import { Scope } from '../pkg/runtime/index.js';
import { OrderLoad, type LoadSize } from './order-load.js';
import { median, ratios, spread, table } from './report.js';
import { startSpanSink, startSystem, type System } from './system.js';

/*
 * Measures the cost of telemetry. Three systems process the same load: the first has no telemetry, the second records
 * 10 % of the traces, and the third records all traces. In each short round the load runs on one system after another,
 * so that other programs on the machine affect all three systems equally.
 */

const usage = `Usage: make bench ARGS="[--rounds N] [--orders N] [--concurrency N] [--json]"
`;

interface Mode {
  readonly name: string;
  readonly env: Environment;
}

interface Variant extends Mode {
  readonly system: System;
  readonly load: OrderLoad;
  readonly ordersPerSecond: number[];
  readonly cpuMsPerOrder: number[];
}

function modes(endpoint: string): readonly Mode[] {
  const sampled = (ratio: string): Environment => ({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
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
    const endpoint = await startSpanSink(scope);
    const variants: Variant[] = [];
    for (const mode of modes(endpoint)) {
      log(`starting the system, telemetry ${mode.name}`);
      const system = await startSystem(mode.env, scope);
      const load = new OrderLoad(system.orderTarget, system.skus, size.concurrency);
      scope.defer(() => load.close());
      variants.push({ ...mode, system, load, ordersPerSecond: [], cpuMsPerOrder: [] });
    }
    log('warming up');
    for (const variant of variants) await variant.load.run(size);
    for (let round = 0; round < rounds; round += 1) {
      for (const variant of rotated(variants, round)) await measure(variant);
      log(`round ${round + 1} of ${rounds}: ${variants.map(lastRate).join(' · ')}`);
    }
    report(variants);
  } finally {
    await scope.close();
  }
}

/** Rotates the variants, so that each variant runs first in some rounds. */
function rotated(variants: readonly Variant[], round: number): readonly Variant[] {
  const from = round % variants.length;
  return [...variants.slice(from), ...variants.slice(0, from)];
}

async function measure({ system, load, ordersPerSecond, cpuMsPerOrder }: Variant): Promise<void> {
  const before = await cpuSecondsOf(system);
  const seconds = await load.run(size);
  const cpuSeconds = (await cpuSecondsOf(system)) - before;
  ordersPerSecond.push(size.orders / seconds);
  cpuMsPerOrder.push((cpuSeconds / size.orders) * 1000);
}

async function cpuSecondsOf(system: System): Promise<number> {
  return (await system.usage()).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

function lastRate({ name, ordersPerSecond }: Variant): string {
  return `${name} ${(ordersPerSecond.at(-1) ?? 0).toFixed(0)}/s`;
}

function report(variants: readonly Variant[]): void {
  const [off] = variants as [Variant, ...Variant[]];
  const results = variants.map(({ name, ordersPerSecond, cpuMsPerOrder }) => ({
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
  process.stdout.write(
    table(['telemetry', 'orders/s', 'throughput ratio', 'CPU ms/order', 'CPU ratio'], rows),
  );
  process.stdout.write(
    `Medians of ${rounds} rounds of ${size.orders} orders, concurrency ${size.concurrency}. Ratios: value divided by the value of telemetry off in the same round, median (lowest to highest). CPU time: sum of the four services.\n`,
  );
}

function log(message: string): void {
  process.stderr.write(`${message}\n`);
}
