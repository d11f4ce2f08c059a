import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../errors/index.js';
import { maxMinor, money } from '../money/index.js';
import { timeOfUuidv7, uuidv7 } from '../runtime/index.js';
import { limits, type OrderRequest, type SagaOrder } from './domain.js';
import { placeOrder } from './place-order.js';
import type { PricedProduct } from './ports.js';
import { anOrderRequest } from './testing/builders.js';

const aProduct = (sku: string, minor: bigint, currency = 'USD'): PricedProduct => ({
  sku,
  name: `A ${sku}`,
  price: money(currency, minor),
});

function place(given: Partial<OrderRequest>, products: readonly PricedProduct[]): SagaOrder {
  return placeOrder(anOrderRequest(given), products, uuidv7);
}

function refusalOf(given: Partial<OrderRequest>, products: readonly PricedProduct[]): AppError {
  try {
    place(given, products);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const anyLines = fc.uniqueArray(
  fc.record({
    sku: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    quantity: fc.bigInt(1n, limits.quantity),
    price: fc.bigInt(1n, 9_000_000_000n),
  }),
  { selector: ({ sku }) => sku, minLength: 1, maxLength: limits.items },
);

describe('a new order', () => {
  it('costs the sum of quantity times price over its lines', () => {
    fc.assert(
      fc.property(anyLines, (lines) => {
        const products = lines.map(({ sku, price }) => aProduct(sku, price));
        const order = place({ items: lines.map(({ sku, quantity }) => ({ sku, quantity })) }, products);
        let sum = 0n;
        for (const { quantity, price } of lines) sum += quantity * price;
        expect(order.total).to.deep.equal(money('USD', sum));
      }),
    );
  });

  it('keeps the names and prices of the catalog, in the order of its lines', () => {
    const items = [
      { sku: 'b', quantity: 2n },
      { sku: 'c', quantity: 1n },
    ];
    const order = place({ items }, [aProduct('c', 5n), aProduct('unasked', 1n), aProduct('b', 7n)]);
    expect(order.lines).to.deep.equal([
      { sku: 'b', name: 'A b', quantity: 2n, unitPrice: money('USD', 7n) },
      { sku: 'c', name: 'A c', quantity: 1n, unitPrice: money('USD', 5n) },
    ]);
  });

  it('is pending at its first step, with ids of its own for reservation and payment', () => {
    const request = anOrderRequest();
    const order = placeOrder(request, [aProduct('espresso', 350n)], uuidv7);
    expect(order).to.include({ state: 'PENDING', step: 'RESERVE_STOCK', revision: 1, failures: 0 });
    expect(order.requestId).to.equal(request.requestId);
    const time = timeOfUuidv7(order.id);
    expect(order).to.deep.include({ createdAt: time, updatedAt: time });
    expect(new Set([order.id, order.reservationId, order.paymentId, order.refundId]).size).to.equal(4);
  });

  it('gets a request id when its caller sent none', () => {
    const ids = [1, 2].map(() => place({ requestId: '' }, [aProduct('espresso', 1n)]).requestId);
    expect(new Set(ids).size).to.equal(2);
    expect(ids).not.to.include('');
  });
});

describe('an order that cannot be placed', () => {
  const items = [
    { sku: 'espresso', quantity: 1n },
    { sku: 'headphones', quantity: 1n },
  ];

  it('has lines in more than one currency, and hears of each once', () => {
    const mixed = [aProduct('espresso', 350n), aProduct('headphones', 12_800n, 'JPY')];
    const refusal = refusalOf({ items }, mixed);
    expect(refusal.reason).to.equal('CURRENCY_MISMATCH');
    expect(refusal.fields).to.deep.equal([
      { field: 'items', description: 'espresso is priced in USD' },
      { field: 'items', description: 'headphones is priced in JPY' },
    ]);
  });

  it('asks for a product that the catalog did not price', () => {
    const refusal = refusalOf({ items }, [aProduct('espresso', 350n)]);
    expect(refusal).to.deep.include({ reason: 'PRODUCT_NOT_FOUND', metadata: { sku: 'headphones' } });
  });

  it('costs more than the system can handle, by as little as one minor unit', () => {
    const one = [{ sku: 'gold', quantity: 1n }];
    expect(place({ items: one }, [aProduct('gold', maxMinor)]).total.minor).to.equal(maxMinor);
    const refusal = refusalOf({ items: one }, [aProduct('gold', maxMinor + 1n)]);
    expect(refusal.reason).to.equal('VALIDATION_FAILED');
    expect(refusal.fields.map(({ field }) => field)).to.deep.equal(['items']);
    const many = [{ sku: 'gold', quantity: limits.quantity }];
    expect(refusalOf({ items: many }, [aProduct('gold', maxMinor)]).reason).to.equal('VALIDATION_FAILED');
  });
});
