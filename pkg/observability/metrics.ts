import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Buckets in seconds for calls inside one machine room: from half a millisecond to ten seconds. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics that every process has. Names and labels are API. */
export interface Metrics {
  readonly registry: Registry;
  readonly requestsTotal: Counter<'service' | 'method' | 'status'>;
  readonly requestDuration: Histogram<'service' | 'method'>;
  readonly activeConnections: Gauge;
  readonly clientRequestsTotal: Counter<'service' | 'target' | 'method' | 'status'>;
  readonly clientRequestDuration: Histogram<'service' | 'target' | 'method'>;
}

/** A fresh registry with the standard metrics, process metrics (CPU, memory, event-loop delay) included. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requestsTotal: new Counter({
      name: 'requests_total',
      help: 'gRPC calls served, by final status.',
      labelNames: ['service', 'method', 'status'],
      registers,
    }),
    requestDuration: new Histogram({
      name: 'request_duration_seconds',
      help: 'Time from the arrival of a gRPC call to its final status.',
      labelNames: ['service', 'method'],
      buckets: latencyBuckets,
      registers,
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
    clientRequestDuration: new Histogram({
      name: 'client_request_duration_seconds',
      help: 'Time from the start of a gRPC call to another service to its final status.',
      labelNames: ['service', 'target', 'method'],
      buckets: latencyBuckets,
      registers,
    }),
  };
}
