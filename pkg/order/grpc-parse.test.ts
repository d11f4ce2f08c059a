import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { money } from '../money/index.js';
import {
  OrderState,
  type CancelOrderRequest,
  type CreateOrderRequest,
  type ListOrdersRequest,
} from '../pb/order/v1/order.js';
import { encodePageToken } from '../rpc/index.js';
import { orderStates } from './domain.js';
import {
  pageFilter,
  parseBatchGetOrders,
  parseCancelOrder,
  parseCreateOrder,
  parseListOrders,
  parseOperatorAction,
  parseOrderRef,
  parseRefundOrder,
  parseWatchOrder,
} from './grpc-parse.js';

const orderId = '018f0000-0000-7000-8000-000000000001';

function errorOf(parse: () => unknown): AppError | undefined {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return undefined;
}

const fieldsOf = (parse: () => unknown): string[] => errorOf(parse)?.fields.map(({ field }) => field) ?? [];

const creating = (overrides: Partial<CreateOrderRequest>) => () =>
  parseCreateOrder({
    requestId: 'r-1',
    customerId: 'ada',
    items: [{ sku: 'espresso', quantity: 1n }],
    paymentMethod: 'pm_approve',
    ...overrides,
  });
const cancelling = (overrides: Partial<CancelOrderRequest>) => () =>
  parseCancelOrder({ requestId: '', orderId, customerId: '', reason: '', ...overrides });

const lines = (length: number) => Array.from({ length }, (_, index) => ({ sku: `s${index}`, quantity: 1n }));
const portions = (...quantities: readonly bigint[]) => quantities.map((quantity) => ({ sku: 'a', quantity }));

describe('parseCreateOrder', () => {
  it('sums the quantities of equal SKUs and sorts the items by SKU', () => {
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

  it('reports every invalid field', () => {
    const bad = { requestId: 'r'.repeat(129), customerId: '', paymentMethod: '', items: lines(101) };
    const expected = ['request_id', 'customer_id', 'payment_method', 'items'];
    expect(fieldsOf(creating(bad))).to.deep.equal(expected);
  });

  it('reports every invalid item', () => {
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

  it('accepts one to a hundred items', () => {
    expect(fieldsOf(creating({ items: [] }))).to.deep.equal(['items']);
    expect(fieldsOf(creating({ items: lines(100) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: lines(101) }))).to.deep.equal(['items']);
    expect(fieldsOf(creating({ items: lines(10_000) }))).to.deep.equal(['items']);
  });

  it('reports at most twenty invalid fields', () => {
    const items = Array.from({ length: 100 }, () => ({ sku: '', quantity: 0n }));
    expect(fieldsOf(creating({ items }))).to.have.length(20);
  });

  it('accepts at most 10,000 units of a SKU, in one item or in several items', () => {
    expect(fieldsOf(creating({ items: portions(10_000n) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: portions(10_001n) }))).to.deep.equal(['items[0].quantity']);
    expect(fieldsOf(creating({ items: portions(5000n, 5000n) }))).to.deep.equal([]);
    expect(fieldsOf(creating({ items: portions(5000n, 5000n, 1n) }))).to.deep.equal(['items[2].quantity']);
  });

  it('does not offset a quantity above the limit with a negative quantity', () => {
    expect(fieldsOf(creating({ items: portions(-5n, 10_005n) }))).to.deep.equal(['items[0].quantity']);
  });

  it('accepts an order without an expected total, and with a total greater than zero', () => {
    expect(creating({})().expectedTotal).to.equal(undefined);
    const expectedTotal = { currencyCode: 'USD', units: 12n, nanos: 500_000_000 };
    expect(creating({ expectedTotal })().expectedTotal).to.deep.equal(money('USD', 1250n));
    for (const invalid of [
      { units: 0n, nanos: 0 },
      { units: -1n },
      { nanos: 1 },
      { nanos: -10_000_000 },
      { units: 2n ** 63n - 1n },
      { currencyCode: 'XXX' },
      { currencyCode: '' },
    ])
      expect(fieldsOf(creating({ expectedTotal: { ...expectedTotal, ...invalid } }))).to.deep.equal([
        'expected_total',
      ]);
  });

  it('accepts an empty request id', () => {
    expect(creating({ requestId: '' })().requestId).to.equal('');
    expect(fieldsOf(creating({ requestId: 'r'.repeat(128) }))).to.deep.equal([]);
  });

  it('accepts customer ids of 1 to 64 characters', () => {
    for (const customerId of ['a', 'A.b_c:d@e-9', 'c'.repeat(64)])
      expect(fieldsOf(creating({ customerId })), customerId).to.deep.equal([]);
    for (const customerId of ['', 'c'.repeat(65), 'ada lovelace', 'ada\n', 'ä', 'nul\0', '\uFFFD'])
      expect(fieldsOf(creating({ customerId })), customerId).to.deep.equal(['customer_id']);
  });

  it('accepts payment-method tokens, rejects card numbers, and keeps card numbers out of the error', () => {
    for (const paymentMethod of ['pm_approve', 'pm_1', `pm_${'a'.repeat(61)}`])
      expect(fieldsOf(creating({ paymentMethod })), paymentMethod).to.deep.equal([]);
    const bad = ['', 'pm_', 'PM_A', 'pm_A', 'card', `pm_${'a'.repeat(62)}`, '4242424242424242'];
    for (const paymentMethod of [
      ...bad,
      'pm_4242424242424242',
      'pm_4242_4242_4242_4242',
      '4242 4242 4242 4242',
    ]) {
      const error = errorOf(creating({ paymentMethod }));
      expect(
        error?.fields.map(({ field }) => field),
        paymentMethod,
      ).to.deep.equal(['payment_method']);
      expect(JSON.stringify([error?.message, error?.fields])).not.to.include('4242');
    }
  });
});

describe('parseBatchGetOrders', () => {
  const batch = (orderIds: string[], customerId = '') => parseBatchGetOrders({ orderIds, customerId });

  it('accepts 1 to 100 lower-case UUIDs, repeated ones too, and keeps their order', () => {
    const ids = [orderId, orderId.replace('1', '2'), orderId];
    expect(batch(ids, 'ada')).to.deep.equal({ ids, customerId: 'ada' });
    expect(fieldsOf(() => batch(Array(100).fill(orderId)))).to.deep.equal([]);
    expect(fieldsOf(() => batch(Array(101).fill(orderId)))).to.deep.equal(['order_ids']);
    expect(fieldsOf(() => batch(Array(10_000).fill('x')))).to.include('order_ids');
    expect(fieldsOf(() => batch([]))).to.deep.equal(['order_ids']);
  });

  it('reports every invalid field', () => {
    const ids = [orderId, '', 'order-1', orderId, `${orderId}0`];
    const fields = ['order_ids[1]', 'order_ids[2]', 'order_ids[4]', 'customer_id'];
    expect(fieldsOf(() => batch(ids, 'a b'))).to.deep.equal(fields);
  });
});

describe('parseOrderRef', () => {
  it('accepts a lower-case UUID and an optional customer id', () => {
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

  it('reports every invalid field, as parseWatchOrder and parseCancelOrder do', () => {
    const bad = { orderId: '', customerId: 'a b' };
    expect(fieldsOf(() => parseOrderRef(bad))).to.deep.equal(['order_id', 'customer_id']);
    const watching = () => parseWatchOrder({ ...bad, afterRevision: -1 });
    expect(fieldsOf(watching)).to.deep.equal(['order_id', 'customer_id', 'after_revision']);
    const all = ['order_id', 'customer_id', 'request_id', 'reason'];
    expect(fieldsOf(cancelling({ ...bad, requestId: '\0', reason: '\0' }))).to.deep.equal(all);
  });
});

describe('parseWatchOrder', () => {
  it('accepts revisions of 0 or more', () => {
    const after = (afterRevision: number) => () =>
      parseWatchOrder({ orderId, customerId: '', afterRevision });
    expect(after(0)()).to.deep.equal({ id: orderId, customerId: '', after: 0 });
    expect(after(2 ** 31 - 1)().after).to.equal(2 ** 31 - 1);
    for (const negative of [-1, -(2 ** 31)])
      expect(fieldsOf(after(negative))).to.deep.equal(['after_revision']);
  });
});

describe('parseCancelOrder', () => {
  it('requires only an order id', () => {
    const expected = { requestId: '', orderId, customerId: '', reason: '', actor: undefined };
    expect(cancelling({})()).to.deep.equal(expected);
  });

  it('accepts a reason of up to 200 characters in any script', () => {
    expect(fieldsOf(cancelling({ reason: 'ещё раз, 別の ☕'.padEnd(200, 'x') }))).to.deep.equal([]);
    for (const reason of ['r'.repeat(201), 'nul\0', '\uFFFD'])
      expect(fieldsOf(cancelling({ reason }))).to.deep.equal(['reason']);
  });
});

describe('the texts of operators', () => {
  const action = { orderId, actor: 'grace', reason: 'returned by bank transfer' };
  const amount = { currencyCode: 'USD', units: 2n, nanos: 0 };
  const requests: Record<string, (overrides: Partial<typeof action>) => () => object> = {
    RefundOrder: (overrides) => () => parseRefundOrder({ requestId: 'r-1', amount, ...action, ...overrides }),
    'RetryOrder and ResolveOrder': (overrides) => () => parseOperatorAction({ ...action, ...overrides }),
    'CancelOrder with an actor': (overrides) => cancelling({ ...action, ...overrides }),
  };
  const valid = [
    { actor: 'g' },
    { actor: 'g'.repeat(128) },
    { actor: '👩‍🍳'.repeat(42) },
    { actor: "金子 (support), O'Brien" },
    { reason: 'r' },
    { reason: '😀'.repeat(200) },
  ];
  const invalid = [
    { actor: 'g'.repeat(129) },
    { actor: '😀'.repeat(129) },
    { actor: 'grace\n' },
    { actor: 'nul\0' },
    { actor: 'escape\u001B[2J' },
    { actor: 'next\u0085line' },
    { actor: '\uFFFD' },
    { reason: 'r'.repeat(201) },
    { reason: 'nul\0' },
  ];
  for (const [method, request] of Object.entries(requests)) {
    for (const overrides of valid)
      it(`of ${method} are accepted: ${JSON.stringify(overrides).slice(0, 40)}`, () => {
        expect(request(overrides)()).to.deep.include(overrides);
      });
    for (const overrides of invalid)
      it(`of ${method} are rejected: ${JSON.stringify(overrides).slice(0, 40)}`, () => {
        expect(fieldsOf(request(overrides))).to.deep.equal(Object.keys(overrides));
      });
  }

  it('are required, and so are the key and the amount of RefundOrder', () => {
    const none = { orderId: '', actor: '', reason: '' };
    expect(fieldsOf(() => parseOperatorAction(none))).to.deep.equal(['order_id', 'actor', 'reason']);
    expect(fieldsOf(() => parseRefundOrder({ ...none, requestId: '', amount: undefined }))).to.deep.equal([
      'request_id',
      'order_id',
      'actor',
      'reason',
      'amount',
    ]);
  });

  for (const bad of [
    { ...amount, units: 0n },
    { ...amount, units: -1n },
    { ...amount, nanos: 1 },
    { ...amount, currencyCode: 'usd' },
  ])
    it(`of RefundOrder need a valid amount greater than zero: not ${bad.units} ${bad.nanos} ${bad.currencyCode}`, () => {
      const parsing = () => parseRefundOrder({ requestId: 'r-1', amount: bad, ...action });
      expect(fieldsOf(parsing)).to.deep.equal(['amount']);
    });
});

describe('parseListOrders', () => {
  const request = { pageSize: 0, pageToken: '', customerId: '', state: OrderState.UNSPECIFIED };
  const noFilter = {
    customerId: '',
    state: undefined,
    createdFrom: undefined,
    createdBefore: undefined,
    blockedOnly: false,
  };
  const listing = (overrides: Partial<ListOrdersRequest>) => () =>
    parseListOrders({ ...request, ...overrides });

  it('has no filter and a page size of 50 by default', () => {
    expect(listing({})()).to.deep.equal({ filter: noFilter, page: { after: undefined, size: 50 } });
  });

  it('accepts a page size of up to 1,000', () => {
    expect(listing({ pageSize: 1000 })().page.size).to.equal(1000);
    expect(fieldsOf(listing({ pageSize: 1001 }))).to.deep.equal(['page_size']);
  });

  it('accepts every known state, and rejects unknown states', () => {
    for (const state of orderStates)
      expect(listing({ state: OrderState[state] })().filter.state).to.equal(state);
    for (const state of [OrderState.UNRECOGNIZED, 6 as OrderState])
      expect(fieldsOf(listing({ state }))).to.deep.equal(['state']);
  });

  it('reports every invalid field', () => {
    const bad = { pageSize: -1, customerId: 'a b', state: OrderState.UNRECOGNIZED };
    expect(fieldsOf(listing(bad))).to.deep.equal(['customer_id', 'page_size', 'state']);
  });

  it('continues after the order in the page token', () => {
    const filter = { ...noFilter, customerId: 'ada', state: 'CONFIRMED' } as const;
    const pageToken = encodePageToken([orderId], pageFilter(filter));
    const overrides = { customerId: 'ada', state: OrderState.CONFIRMED, pageToken };
    expect(listing(overrides)().page.after).to.equal(orderId);
  });

  it('rejects malformed page tokens and page tokens from requests with other filters', () => {
    const filter = pageFilter(noFilter);
    const forged = [
      'x',
      encodePageToken([orderId], pageFilter({ ...noFilter, customerId: 'ada' })),
      encodePageToken([orderId], pageFilter({ ...noFilter, state: 'PENDING' })),
      encodePageToken([orderId], pageFilter({ ...noFilter, blockedOnly: true })),
      encodePageToken([orderId], pageFilter({ ...noFilter, createdFrom: new Date(1) })),
      encodePageToken([orderId], pageFilter({ ...noFilter, createdBefore: new Date(1) })),
      encodePageToken([orderId, orderId], filter),
      encodePageToken(['not a uuid'], filter),
      encodePageToken([`${orderId}' or true --`], filter),
    ];
    for (const pageToken of forged) {
      const error = errorOf(listing({ pageToken }));
      expect(error?.reason).to.equal('INVALID_PAGE_TOKEN');
      expect(error?.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });
});
