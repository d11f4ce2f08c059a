import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { softwareVersion } from './version.js';

/** Adds what every Node process tells of itself: CPU, memory, garbage collection, event-loop delay, version. */
export function processMetrics(registry: Registry, service: string): void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'nodejs_heap_size_limit_bytes',
    help: 'Heap size at which the process runs out of memory.',
    registers,
  }).set(getHeapStatistics().heap_size_limit);
  new Gauge({
    name: 'process_info',
    help: 'Always 1; the labels tell which program runs.',
    labelNames: ['service', 'version', 'node_version'] as const,
    registers,
  }).set({ service, version: softwareVersion, node_version: process.versions.node }, 1);
}
