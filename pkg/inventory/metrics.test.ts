import { expect } from 'chai';
import { Registry } from 'prom-client';
import type { ChangeListener, ClaimStatus } from './changes.js';
import { inventoryMetrics } from './metrics.js';

function aCounter(): { registry: Registry; onChange: ChangeListener } {
  const registry = new Registry();
  return { registry, onChange: inventoryMetrics(registry) };
}

function claim(status: ClaimStatus, skus: readonly string[]): Parameters<ChangeListener>[0] {
  return { kind: 'claim', status, reservationId: '018f0000-0000-7000-8000-000000000001', skus };
}

async function counted(registry: Registry): Promise<unknown[]> {
  const metric = await registry.getSingleMetric('inventory_reservations_total')?.get();
  return metric?.values.map(({ labels, value }) => [labels['product'], labels['status'], value]) ?? [];
}

describe('inventory_reservations_total', () => {
  it('counts each line of a reservation by product and by what became of it', async () => {
    const { registry, onChange } = aCounter();
    onChange(claim('reserved', ['a', 'b']));
    onChange(claim('reserved', ['a']));
    onChange(claim('committed', ['a']));
    expect(await counted(registry)).to.deep.equal([
      ['a', 'reserved', 2],
      ['b', 'reserved', 1],
      ['a', 'committed', 1],
    ]);
  });

  it('counts what was never stocked, and all after a thousand products, as other', async () => {
    const { registry, onChange } = aCounter();
    onChange(claim('refused', ['']));
    onChange(
      claim(
        'reserved',
        Array.from({ length: 1500 }, (_, index) => `sku-${index}`),
      ),
    );
    const values = await counted(registry);
    expect(values).to.have.length(1002);
    expect(values).to.deep.include(['other', 'refused', 1]);
    expect(values).to.deep.include(['other', 'reserved', 500]);
  });
});
