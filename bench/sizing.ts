import os from 'node:os';
import { parseArgs } from 'node:util';
import type { Environment } from '../pkg/config/index.js';
import { Scope } from '../pkg/runtime/index.js';
import { OrderLoad } from './order-load.js';
import { table } from './report.js';
import { startSpanSink, startSystem, type System, type Usage } from './system.js';

/*
 * Measures the capacity of one replica of each service. Orders are placed at full load, and the metrics of each service
 * give its CPU time per call. Request rates are derived from the CPU time per call, which varies less between machines
 * and runs than a measured rate.
 */

const usage = `Usage: make sizing ARGS="[--orders N] [--concurrency N] [--json]"
`;

/** Target utilization of the one core that a Node.js process uses. Latency rises at a higher utilization. */
const targetUtilization = 0.7;
const sampleMs = 500;

interface Size {
  readonly service: string;
  readonly requestsPerOrder: number;
  readonly cpuMsPerRequest: number;
  /** Request rate of one replica on a dedicated core at {@link targetUtilization}. */
  readonly requestsPerSecond: number;
  readonly peakMemoryMiB: number;
}

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '4000' },
    concurrency: { type: 'string', default: '32' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const orders = Number(values.orders);
const concurrency = Number(values.concurrency);

if (values.help) process.stdout.write(usage);
else if (![orders, concurrency].every((count) => Number.isInteger(count) && count > 0)) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else await measure();

async function measure(): Promise<void> {
  const scope = new Scope();
  const stop = (): void => void scope.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    process.stderr.write('starting the system\n');
    const system = await startSystem(environment(await startSpanSink(scope)), scope);
    const load = new OrderLoad(system.orderTarget, system.skus, concurrency);
    scope.defer(() => load.close());
    process.stderr.write('warming up\n');
    await load.run({ orders: Math.ceil(orders / 4), concurrency });
    const before = await system.usage();
    const peaks = watchMemory(system, before);
    process.stderr.write(`placing ${orders} orders\n`);
    const seconds = await load.run({ orders, concurrency });
    const after = await system.usage();
    report(sizesOf(before, after, await peaks.stop()), orders / seconds);
  } finally {
    await scope.close();
  }
}

/** Settings of the deployed configuration, which exports all traces. */
function environment(endpoint: string): Environment {
  return { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
}

interface Peaks {
  /** Returns the peak memory of each service in bytes, in the sequence of `System.usage`. */
  stop(): Promise<readonly number[]>;
}

function watchMemory(system: System, first: readonly Usage[]): Peaks {
  const peaks = first.map(({ memoryBytes }) => memoryBytes);
  const sample = async (): Promise<void> => {
    for (const [index, { memoryBytes }] of (await system.usage()).entries())
      peaks[index] = Math.max(peaks[index] ?? 0, memoryBytes);
  };
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sampling.then(sample);
  }, sampleMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await sampling.then(sample);
      return peaks;
    },
  };
}

function sizesOf(before: readonly Usage[], after: readonly Usage[], peaks: readonly number[]): Size[] {
  return after.map(({ service, cpuSeconds, requests }, index) => {
    const calls = requests - (before[index]?.requests ?? 0);
    const cpuMsPerRequest = ((cpuSeconds - (before[index]?.cpuSeconds ?? 0)) * 1000) / calls;
    return {
      service,
      requestsPerOrder: calls / orders,
      cpuMsPerRequest,
      requestsPerSecond: (1000 * targetUtilization) / cpuMsPerRequest,
      peakMemoryMiB: (peaks[index] ?? 0) / 1024 / 1024,
    };
  });
}

function report(sizes: readonly Size[], ordersPerSecond: number): void {
  const machine = `${os.availableParallelism()} cores of ${os.cpus()[0]?.model ?? 'unknown'}`;
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ machine, orders, concurrency, ordersPerSecond, sizes }, undefined, 2)}\n`,
    );
    return;
  }
  const head = ['service', 'requests/order', 'CPU ms/request', 'requests/s per replica', 'memory'];
  const rows = sizes.map((size) => [
    size.service,
    size.requestsPerOrder.toFixed(1),
    size.cpuMsPerRequest.toFixed(2),
    size.requestsPerSecond.toFixed(0),
    `${size.peakMemoryMiB.toFixed(0)} MiB`,
  ]);
  process.stdout.write(table(head, rows));
  process.stdout.write(
    `${orders} orders, concurrency ${concurrency}, ${ordersPerSecond.toFixed(0)} orders/s with all processes on ${machine}. Requests/s per replica: one core at ${targetUtilization * 100} % utilization.\n`,
  );
}
