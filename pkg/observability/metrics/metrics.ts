import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { softwareVersion } from '../version.js';
import { tracedHistogram, type TracedHistogram } from './histogram.js';

/** Final statuses that count as failures in the service-level objectives (docs/monitoring.md). */
export const objectiveFaults = [
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'RESOURCE_EXHAUSTED',
] as const;

/** Metrics of every process. Their names and labels are part of the public API. */
export interface Metrics {
  readonly registry: Registry;
  readonly requestsTotal: Counter<'service' | 'method' | 'status'>;
  readonly requestDuration: TracedHistogram<'service' | 'method'>;
  readonly batchCallsTotal: Counter<'service' | 'method' | 'status'>;
  readonly activeConnections: Gauge;
  readonly clientRequestsTotal: Counter<'service' | 'target' | 'method' | 'status'>;
  readonly clientRequestDuration: TracedHistogram<'service' | 'target' | 'method'>;
  readonly logLinesDropped: Counter;
}

/** Creates a registry with the metrics of the process `service`. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  addProcessMetrics(registry, service);
  return {
    registry,
    requestsTotal: new Counter({
      name: 'requests_total',
      help: 'Served gRPC calls by final status.',
      labelNames: ['service', 'method', 'status'],
      registers,
    }),
    requestDuration: tracedHistogram(registry, {
      name: 'request_duration_seconds',
      help: 'Time from the arrival of a gRPC call to its final status.',
      labelNames: ['service', 'method'],
    }),
    batchCallsTotal: new Counter({
      name: 'batch_calls_total',
      help: 'Served batch calls by final status; their items are counted in requests_total.',
      labelNames: ['service', 'method', 'status'],
      registers,
    }),
    activeConnections: new Gauge({
      name: 'active_connections',
      help: 'Open connections to the gRPC port.',
      registers,
    }),
    clientRequestsTotal: new Counter({
      name: 'client_requests_total',
      help: 'gRPC calls to other services by final status; retries inside the channel are not counted.',
      labelNames: ['service', 'target', 'method', 'status'],
      registers,
    }),
    clientRequestDuration: tracedHistogram(registry, {
      name: 'client_request_duration_seconds',
      help: 'Time from the start of a gRPC call to another service to its final status.',
      labelNames: ['service', 'target', 'method'],
    }),
    logLinesDropped: new Counter({
      name: 'log_lines_dropped_total',
      help: 'Log lines that could not be written to standard output and are lost.',
      registers,
    }),
  };
}

/** Registers metrics of CPU, memory, garbage collection, event-loop delay and version. */
function addProcessMetrics(registry: Registry, service: string): void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'nodejs_heap_size_limit_bytes',
    help: 'Heap size at which the process runs out of memory.',
    registers,
  }).set(getHeapStatistics().heap_size_limit);
  new Gauge({
    name: 'process_info',
    help: 'Always 1; the labels identify the program and its versions.',
    labelNames: ['service', 'version', 'node_version'] as const,
    registers,
  }).set({ service, version: softwareVersion, node_version: process.versions.node }, 1);
}
