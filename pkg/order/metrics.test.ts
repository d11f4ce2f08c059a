import { expect } from 'chai';
import { Registry } from 'prom-client';
import { orderMetrics, sagaGauges } from './metrics.js';
import { anOrder } from './testing/builders.js';

async function linesOf(registry: Registry, prefix: string): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(prefix));
}

describe('orderMetrics and sagaGauges', () => {
  it('count CONFIRMED and REJECTED orders, and no other state change', async () => {
    const registry = new Registry();
    const metrics = orderMetrics(registry);
    expect(await linesOf(registry, 'orders_created_total')).to.have.members([
      'orders_created_total{status="success"} 0',
      'orders_created_total{status="failed"} 0',
    ]);
    for (const state of ['PENDING', 'CONFIRMED', 'CONFIRMED', 'REJECTED', 'CANCELLING', 'CANCELLED'] as const)
      metrics.countChange(anOrder({ state }));
    expect(await linesOf(registry, 'orders_created_total')).to.have.members([
      'orders_created_total{status="success"} 2',
      'orders_created_total{status="failed"} 1',
    ]);
  });

  it('export zero for every step, and count attempts after an attempt in doubt as retries', async () => {
    const registry = new Registry();
    const { countAttempt } = orderMetrics(registry);
    countAttempt({ step: 'RESERVE_STOCK', outcome: 'in_doubt', attempt: 1, seconds: 3 });
    countAttempt({ step: 'RESERVE_STOCK', outcome: 'in_doubt', attempt: 2, seconds: 3 });
    countAttempt({ step: 'RESERVE_STOCK', outcome: 'succeeded', attempt: 3, seconds: 0.002 });
    expect(await linesOf(registry, 'saga_step_retries_total')).to.have.members([
      'saga_step_retries_total{step="RESERVE_STOCK"} 2',
      'saga_step_retries_total{step="AUTHORIZE_PAYMENT"} 0',
      'saga_step_retries_total{step="COMMIT_STOCK"} 0',
      'saga_step_retries_total{step="CAPTURE_PAYMENT"} 0',
      'saga_step_retries_total{step="VOID_PAYMENT"} 0',
      'saga_step_retries_total{step="REFUND_PAYMENT"} 0',
      'saga_step_retries_total{step="RELEASE_STOCK"} 0',
    ]);
    const counts = await linesOf(registry, 'saga_step_duration_seconds_count');
    expect(counts).to.have.length(28);
    expect(counts.filter((line) => !line.endsWith(' 0'))).to.have.members([
      'saga_step_duration_seconds_count{step="RESERVE_STOCK",outcome="in_doubt"} 2',
      'saga_step_duration_seconds_count{step="RESERVE_STOCK",outcome="succeeded"} 1',
    ]);
  });

  it('export the number of running sagas at the time of the scrape, and the limits', async () => {
    const registry = new Registry();
    const running = { ACCEPTED: 3, STORAGE: 1 };
    sagaGauges(registry, {
      running: (origin) => running[origin],
      limit: (origin) => (origin === 'ACCEPTED' ? 512 : 256),
    });
    running.ACCEPTED = 5;
    expect(await linesOf(registry, 'sagas_')).to.have.members(['sagas_active 5', 'sagas_limit 512']);
    expect(await linesOf(registry, 'recovery_sagas_')).to.have.members([
      'recovery_sagas_active 1',
      'recovery_sagas_limit 256',
    ]);
  });
});
