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

function place(overrides: Partial<OrderRequest>, products: readonly PricedProduct[]): SagaOrder {
  return placeOrder(anOrderRequest(overrides), products, uuidv7);
}

function errorOf(overrides: Partial<OrderRequest>, products: readonly PricedProduct[]): AppError {
  try {
    place(overrides, products);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

const anyLines = fc.uniqueArray(
  fc.record({
    sku: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    quantity: fc.bigInt(1n, limits.quantity),
    price: fc.bigInt(1n, 9_000_000_000n),
  }),
  { selector: ({ sku }) => sku, minLength: 1, maxLength: limits.items },
);

describe('placeOrder', () => {
  it('sums quantity times price of all lines', () => {
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

  it('copies names and prices from the catalog, in the sequence of the items', () => {
    const items = [
      { sku: 'b', quantity: 2n },
      { sku: 'c', quantity: 1n },
    ];
    const order = place({ items }, [aProduct('c', 5n), aProduct('other', 1n), aProduct('b', 7n)]);
    expect(order.lines).to.deep.equal([
      { sku: 'b', name: 'A b', quantity: 2n, unitPrice: money('USD', 7n) },
      { sku: 'c', name: 'A c', quantity: 1n, unitPrice: money('USD', 5n) },
    ]);
  });

  it('returns a PENDING order at its first step, with new ids for reservation, payment and refund', () => {
    const request = anOrderRequest();
    const order = placeOrder(request, [aProduct('espresso', 350n)], uuidv7);
    expect(order).to.include({ state: 'PENDING', step: 'RESERVE_STOCK', revision: 1, failures: 0 });
    expect(order.requestId).to.equal(request.requestId);
    const time = timeOfUuidv7(order.id);
    expect(order).to.deep.include({ createdAt: time, updatedAt: time });
    expect(new Set([order.id, order.reservationId, order.paymentId, order.refundId]).size).to.equal(4);
  });

  it('assigns a request id to a request without a request id', () => {
    const ids = [1, 2].map(() => place({ requestId: '' }, [aProduct('espresso', 1n)]).requestId);
    expect(new Set(ids).size).to.equal(2);
    expect(ids).not.to.include('');
  });
});

describe('placeOrder rejects', () => {
  const items = [
    { sku: 'espresso', quantity: 1n },
    { sku: 'headphones', quantity: 1n },
  ];

  it('prices in several currencies, and reports each currency once', () => {
    const mixed = [aProduct('espresso', 350n), aProduct('headphones', 12_800n, 'JPY')];
    const error = errorOf({ items }, mixed);
    expect(error.reason).to.equal('CURRENCY_MISMATCH');
    expect(error.fields).to.deep.equal([
      { field: 'items', description: 'espresso is priced in USD' },
      { field: 'items', description: 'headphones is priced in JPY' },
    ]);
  });

  it('a product that the catalog does not contain', () => {
    const error = errorOf({ items }, [aProduct('espresso', 350n)]);
    expect(error).to.deep.include({ reason: 'PRODUCT_NOT_FOUND', metadata: { sku: 'headphones' } });
  });

  it('a total that exceeds the maximum by one minor unit', () => {
    const oneUnit = [{ sku: 'gold', quantity: 1n }];
    expect(place({ items: oneUnit }, [aProduct('gold', maxMinor)]).total.minor).to.equal(maxMinor);
    const error = errorOf({ items: oneUnit }, [aProduct('gold', maxMinor + 1n)]);
    expect(error.reason).to.equal('VALIDATION_FAILED');
    expect(error.fields.map(({ field }) => field)).to.deep.equal(['items']);
    const manyUnits = [{ sku: 'gold', quantity: limits.quantity }];
    expect(errorOf({ items: manyUnits }, [aProduct('gold', maxMinor)]).reason).to.equal('VALIDATION_FAILED');
  });
});
