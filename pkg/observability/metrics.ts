import { Counter, Gauge, Registry } from 'prom-client';
import { tracedHistogram, type TracedHistogram } from './metrics-histogram.js';
import { processMetrics } from './metrics-process.js';

/** The metrics that every process has. Names and labels are API. */
export interface Metrics {
  readonly registry: Registry;
  readonly requestsTotal: Counter<'service' | 'method' | 'status'>;
  readonly requestDuration: TracedHistogram<'service' | 'method'>;
  readonly activeConnections: Gauge;
  readonly clientRequestsTotal: Counter<'service' | 'target' | 'method' | 'status'>;
  readonly clientRequestDuration: TracedHistogram<'service' | 'target' | 'method'>;
}

/** A fresh registry with the standard metrics of a process named `service`. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  processMetrics(registry, service);
  return {
    registry,
    requestsTotal: new Counter({
      name: 'requests_total',
      help: 'gRPC calls served, by final status.',
      labelNames: ['service', 'method', 'status'],
      registers,
    }),
    requestDuration: tracedHistogram(registry, {
      name: 'request_duration_seconds',
      help: 'Time from the arrival of a gRPC call to its final status.',
      labelNames: ['service', 'method'],
    }),
    activeConnections: new Gauge({
      name: 'active_connections',
      help: 'Open connections to the gRPC port.',
      registers,
    }),
    clientRequestsTotal: new Counter({
      name: 'client_requests_total',
      help: 'gRPC calls made to other services, retries inside the channel not counted apart.',
      labelNames: ['service', 'target', 'method', 'status'],
      registers,
    }),
    clientRequestDuration: tracedHistogram(registry, {
      name: 'client_request_duration_seconds',
      help: 'Time from the start of a gRPC call to another service to its final status.',
      labelNames: ['service', 'target', 'method'],
    }),
  };
}
