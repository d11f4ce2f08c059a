import { toWire, money } from '../../money/index.js';
import type { Product } from '../../pb/catalog/v1/catalog.js';

let count = 0;

/** A valid wire product with a unique SKU. */
export function aProduct(overrides: Partial<Product> = {}): Product {
  count += 1;
  return {
    sku: `product-${count}`,
    name: 'Espresso',
    description: 'Short and strong.',
    price: toWire(money('USD', 350)),
    revision: 0n,
    createTime: undefined,
    updateTime: undefined,
    ...overrides,
  };
}
