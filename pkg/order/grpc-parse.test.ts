import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { OrderState, type CancelOrderRequest, type CreateOrderRequest } from '../pb/order/v1/order.js';
import { encodePageToken } from '../rpc/index.js';
import { orderStates } from './domain.js';
import {
  pageFilter,
  parseCancelOrder,
  parseCreateOrder,
  parseListOrders,
  parseOrderRef,
  parseWatchOrder,
} from './grpc-parse.js';

const orderId = '018f0000-0000-7000-8000-000000000001';

function refusalOf(parse: () => unknown): AppError | undefined {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return undefined;
}

const fieldsOf = (parse: () => unknown): string[] => refusalOf(parse)?.fields.map(({ field }) => field) ?? [];

const creating = (given: Partial<CreateOrderRequest>) => () =>
  parseCreateOrder({
    requestId: 'r-1',
    customerId: 'ada',
    items: [{ sku: 'espresso', quantity: 1n }],
    paymentMethod: 'pm_approve',
    ...given,
  });
const cancelling = (given: Partial<CancelOrderRequest>) => () =>
  parseCancelOrder({ requestId: '', orderId, customerId: '', reason: '', ...given });

const lines = (length: number) => Array.from({ length }, (_, index) => ({ sku: `s${index}`, quantity: 1n }));
const portions = (...quantities: readonly bigint[]) => quantities.map((quantity) => ({ sku: 'a', quantity }));

describe('CreateOrder', () => {
  it('sums equal SKUs and sorts them, so that equal orders are equal', () => {
    const items = [
      { sku: 'b', quantity: 1n },
      { sku: 'a', quantity: 2n },
      { sku: 'Z', quantity: 4n },
      { sku: 'b', quantity: 3n },
    ];
    const expected = [
      { sku: 'Z', quantity: 4n },
      { sku: 'a', quantity: 2n },
      { sku: 'b', quantity: 4n },
    ];
    expect(creating({ items })().items).to.deep.equal(expected);
    expect(creating({ items: items.toReversed() })().items).to.deep.equal(expected);
  });

  it('names every field that breaks a rule', () => {
    const bad = { requestId: 'r'.repeat(129), customerId: '', paymentMethod: '', items: lines(101) };
    const expected = ['request_id', 'customer_id', 'payment_method', 'items'];
    expect(fieldsOf(creating(bad))).to.deep.equal(expected);
  });

  it('names every line that breaks a rule', () => {
    const items = [
      { sku: '', quantity: 1n },
      { sku: 'fine', quantity: 1n },
      { sku: 'a b', quantity: 0n },
      { sku: 'x'.repeat(65), quantity: -1n },
      { sku: 'nul\0', quantity: 10_001n },
      { sku: 'huge', quantity: 2n ** 63n - 1n },
    ];
    expect(fieldsOf(creating({ items }))).to.deep.equal([
      'items[0].sku',
      'items[2].sku',
      'items[2].quantity',
      'items[3].sku',
      'items[3].quantity',
      'items[4].sku',
      'items[4].quantity',
      'items[5].quantity',
    ]);
  });

  it('takes one to a hundred lines', () => {
    expect(fieldsOf(creating({ items: [] }))).to.deep.equal(['items']);
    expect(fieldsOf(creating({ items: lines(100) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: lines(101) }))).to.deep.equal(['items']);
    expect(fieldsOf(creating({ items: lines(10_000) }))).to.deep.equal(['items']);
  });

  it('tells at most twenty violations, however many there are', () => {
    const items = Array.from({ length: 100 }, () => ({ sku: '', quantity: 0n }));
    expect(fieldsOf(creating({ items }))).to.have.length(20);
  });

  it('takes at most 10,000 of a SKU, in one line or in several', () => {
    expect(fieldsOf(creating({ items: portions(10_000n) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: portions(10_001n) }))).to.deep.equal(['items[0].quantity']);
    expect(fieldsOf(creating({ items: portions(5000n, 5000n) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: portions(5000n, 5000n, 1n) }))).to.deep.equal(['items[2].quantity']);
  });

  it('does not let a negative quantity make room for a larger one', () => {
    expect(fieldsOf(creating({ items: portions(-5n, 10_005n) }))).to.deep.equal(['items[0].quantity']);
  });

  it('needs no request id', () => {
    expect(creating({ requestId: '' })().requestId).to.equal('');
    expect(fieldsOf(creating({ requestId: 'r'.repeat(128) }))).to.deep.equal([]);
  });

  it('takes customers of 1 to 64 plain characters', () => {
    for (const customerId of ['a', 'A.b_c:d@e-9', 'c'.repeat(64)])
      expect(fieldsOf(creating({ customerId })), customerId).to.deep.equal([]);
    for (const customerId of ['', 'c'.repeat(65), 'ada lovelace', 'ada\n', 'ä', 'nul\0', '\uFFFD'])
      expect(fieldsOf(creating({ customerId })), customerId).to.deep.equal(['customer_id']);
  });

  it('takes payment-method tokens, and never a card number, which it does not repeat', () => {
    for (const paymentMethod of ['pm_approve', 'pm_1', `pm_${'a'.repeat(61)}`])
      expect(fieldsOf(creating({ paymentMethod })), paymentMethod).to.deep.equal([]);
    const bad = ['', 'pm_', 'PM_A', 'pm_A', 'card', `pm_${'a'.repeat(62)}`, '4242424242424242'];
    for (const paymentMethod of [
      ...bad,
      'pm_4242424242424242',
      'pm_4242_4242_4242_4242',
      '4242 4242 4242 4242',
    ]) {
      const refusal = refusalOf(creating({ paymentMethod }));
      expect(
        refusal?.fields.map(({ field }) => field),
        paymentMethod,
      ).to.deep.equal(['payment_method']);
      expect(JSON.stringify([refusal?.message, refusal?.fields])).not.to.include('4242');
    }
  });
});

describe('a reference to an order', () => {
  it('is a lower-case UUID, and a customer if somebody asks for their own', () => {
    expect(parseOrderRef({ orderId, customerId: '' })).to.deep.equal({ id: orderId, customerId: '' });
    expect(parseOrderRef({ orderId, customerId: 'ada' })).to.deep.equal({ id: orderId, customerId: 'ada' });
    for (const bad of [
      '',
      'order-1',
      orderId.toUpperCase().replace('8F', 'AF'),
      `${orderId}0`,
      `{${orderId}`,
    ])
      expect(
        fieldsOf(() => parseOrderRef({ orderId: bad, customerId: '' })),
        bad,
      ).to.deep.equal(['order_id']);
  });

  it('has all its problems named', () => {
    const bad = { orderId: '', customerId: 'a b' };
    expect(fieldsOf(() => parseOrderRef(bad))).to.deep.equal(['order_id', 'customer_id']);
    const watching = () => parseWatchOrder({ ...bad, afterRevision: -1 });
    expect(fieldsOf(watching)).to.deep.equal(['order_id', 'customer_id', 'after_revision']);
    const all = ['order_id', 'customer_id', 'request_id', 'reason'];
    expect(fieldsOf(cancelling({ ...bad, requestId: '\0', reason: '\0' }))).to.deep.equal(all);
  });
});

describe('WatchOrder', () => {
  it('starts after any revision from 0', () => {
    const after = (afterRevision: number) => () =>
      parseWatchOrder({ orderId, customerId: '', afterRevision });
    expect(after(0)()).to.deep.equal({ id: orderId, customerId: '', after: 0 });
    expect(after(2 ** 31 - 1)().after).to.equal(2 ** 31 - 1);
    for (const negative of [-1, -(2 ** 31)])
      expect(fieldsOf(after(negative))).to.deep.equal(['after_revision']);
  });
});

describe('CancelOrder', () => {
  it('needs neither a request id, nor a customer, nor a reason', () => {
    const expected = { requestId: '', orderId, customerId: '', reason: '' };
    expect(cancelling({})()).to.deep.equal(expected);
  });

  it('takes a reason in any script, of up to 200 characters', () => {
    expect(fieldsOf(cancelling({ reason: 'ещё раз, 別の ☕'.padEnd(200, 'x') }))).to.deep.equal([]);
    for (const reason of ['r'.repeat(201), 'nul\0', '\uFFFD'])
      expect(fieldsOf(cancelling({ reason }))).to.deep.equal(['reason']);
  });
});

describe('ListOrders', () => {
  const request = { pageSize: 0, pageToken: '', customerId: '', state: OrderState.UNSPECIFIED };
  const anything = { customerId: '', state: undefined };
  const listing = (given: Partial<typeof request>) => () => parseListOrders({ ...request, ...given });

  it('lists everything, fifty a page, unless told otherwise', () => {
    expect(listing({})()).to.deep.equal({ filter: anything, page: { after: undefined, size: 50 } });
    expect(listing({ pageSize: 1000 })().page.size).to.equal(1000);
  });

  it('knows every state, and no other', () => {
    for (const state of orderStates)
      expect(listing({ state: OrderState[state] })().filter.state).to.equal(state);
    for (const state of [OrderState.UNRECOGNIZED, 6 as OrderState])
      expect(fieldsOf(listing({ state }))).to.deep.equal(['state']);
  });

  it('names every field that breaks a rule', () => {
    const bad = { pageSize: -1, customerId: 'a b', state: OrderState.UNRECOGNIZED };
    expect(fieldsOf(listing(bad))).to.deep.equal(['customer_id', 'page_size', 'state']);
    expect(fieldsOf(listing({ pageSize: 1001 }))).to.deep.equal(['page_size']);
  });

  it('goes on after the order that its token names', () => {
    const filter = { customerId: 'ada', state: 'CONFIRMED' } as const;
    const pageToken = encodePageToken([orderId], pageFilter(filter));
    const given = { customerId: 'ada', state: OrderState.CONFIRMED, pageToken };
    expect(listing(given)().page.after).to.equal(orderId);
  });

  it('refuses tokens that it did not make, or made for other fields', () => {
    const all = pageFilter(anything);
    const forged = [
      'x',
      encodePageToken([orderId], pageFilter({ ...anything, customerId: 'ada' })),
      encodePageToken([orderId], pageFilter({ ...anything, state: 'PENDING' })),
      encodePageToken([orderId, orderId], all),
      encodePageToken(['not a uuid'], all),
      encodePageToken([`${orderId}' or true --`], all),
    ];
    for (const pageToken of forged) {
      const refusal = refusalOf(listing({ pageToken }));
      expect(refusal?.reason).to.equal('INVALID_PAGE_TOKEN');
      expect(refusal?.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });
});
