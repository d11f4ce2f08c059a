import { toWire, money } from '../../money/index.js';
import type { Product } from '../../pb/catalog/v1/catalog.js';

let made = 0;

/** A product on the wire that breaks no rule, with a SKU of its own. */
export function aProduct(given: Partial<Product> = {}): Product {
  made += 1;
  return {
    sku: `product-${made}`,
    name: 'Espresso',
    description: 'Short and strong.',
    price: toWire(money('USD', 350)),
    revision: 0n,
    createTime: undefined,
    updateTime: undefined,
    ...given,
  };
}
