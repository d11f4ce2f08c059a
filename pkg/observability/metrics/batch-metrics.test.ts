import { expect } from 'chai';
import { Registry } from 'prom-client';
import { batchMetrics } from './batch-metrics.js';

describe('batchMetrics', () => {
  it('observes the size of a batch and the wait of each item in seconds', async () => {
    const registry = new Registry();
    const onBatch = batchMetrics(registry);
    onBatch('stock.reserve', [0.4, 40, 4000]);
    onBatch('stock.reserve', [1]);
    const lines = (await registry.metrics()).split('\n');
    expect(lines).to.include.members([
      'batch_size_bucket{le="1",operation="stock.reserve"} 1',
      'batch_size_bucket{le="4",operation="stock.reserve"} 2',
      'batch_size_sum{operation="stock.reserve"} 4',
      'batch_queue_wait_seconds_bucket{le="0.0005",operation="stock.reserve"} 1',
      'batch_queue_wait_seconds_bucket{le="0.05",operation="stock.reserve"} 3',
      'batch_queue_wait_seconds_count{operation="stock.reserve"} 4',
    ]);
  });
});
