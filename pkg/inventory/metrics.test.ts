import { expect } from 'chai';
import { Registry } from 'prom-client';
import type { ChangeListener, ReservationStatus } from './changes.js';
import { inventoryMetrics } from './metrics.js';

function createMetrics(): { registry: Registry; onChange: ChangeListener } {
  const registry = new Registry();
  return { registry, onChange: inventoryMetrics(registry) };
}

function aChange(status: ReservationStatus, skus: readonly string[]): Parameters<ChangeListener>[0] {
  return { kind: 'reservation', status, reservationId: '018f0000-0000-7000-8000-000000000001', skus };
}

async function valuesOf(registry: Registry): Promise<unknown[]> {
  const metric = await registry.getSingleMetric('inventory_reservations_total')?.get();
  return metric?.values.map(({ labels, value }) => [labels['product'], labels['status'], value]) ?? [];
}

describe('inventory_reservations_total', () => {
  it('counts each line of a reservation by product and status', async () => {
    const { registry, onChange } = createMetrics();
    onChange(aChange('reserved', ['a', 'b']));
    onChange(aChange('reserved', ['a']));
    onChange(aChange('committed', ['a']));
    expect(await valuesOf(registry)).to.deep.equal([
      ['a', 'reserved', 2],
      ['b', 'reserved', 1],
      ['a', 'committed', 1],
    ]);
  });

  it('counts SKUs that were never stocked, and products after the first thousand, as other', async () => {
    const { registry, onChange } = createMetrics();
    onChange(aChange('refused', ['']));
    onChange(
      aChange(
        'reserved',
        Array.from({ length: 1500 }, (_, index) => `sku-${index}`),
      ),
    );
    const values = await valuesOf(registry);
    expect(values).to.have.length(1002);
    expect(values).to.deep.include(['other', 'refused', 1]);
    expect(values).to.deep.include(['other', 'reserved', 500]);
  });
});
