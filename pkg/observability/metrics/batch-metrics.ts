import { Histogram, type Registry } from 'prom-client';
import { latencyBuckets } from './histogram.js';

const sizeBuckets = [1, 2, 4, 8, 16, 32, 64];

/** Registers the metrics of batches. Returns a function to call when a batch starts, with the wait of each item. */
export function batchMetrics(registry: Registry): (operation: string, waitMs: readonly number[]) => void {
  const size = new Histogram({
    name: 'batch_size',
    help: 'Items of a batch, by operation.',
    labelNames: ['operation'],
    buckets: sizeBuckets,
    registers: [registry],
  });
  const wait = new Histogram({
    name: 'batch_queue_wait_seconds',
    help: 'Time that an item waits until its batch starts, by operation.',
    labelNames: ['operation'],
    buckets: [...latencyBuckets],
    registers: [registry],
  });
  return (operation, waitMs) => {
    size.observe({ operation }, waitMs.length);
    for (const ms of waitMs) wait.observe({ operation }, ms / 1000);
  };
}
