import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { failing, inSequence, refusing } from '../../../pkg/order/testing/faults.js';
import type { Money } from '../../../pkg/pb/google/type/money.js';
import {
  OrderServiceService,
  OrderState,
  type CreateOrderRequest,
  type OrderItem,
} from '../../../pkg/pb/order/v1/order.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { allOf } from '../../support/rpc/all-of.js';
import { frame, rawCall } from '../../support/rpc/raw-call.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  countRows,
  createOrder,
  startOrderServer,
  type OrderClient,
  type TestOrderServer,
} from '../../support/order/server.js';

type Call = (client: OrderClient) => Promise<unknown>;

const validId = '018f0000-0000-7000-8000-00000000000a';
const line: OrderItem = { sku: 'espresso', quantity: 1n };
const manyItems = (count: number): OrderItem[] =>
  Array.from({ length: count }, (_, index) => ({ sku: `sku-${index}`, quantity: 1n }));

const creating = (overrides: Partial<CreateOrderRequest>): Call => {
  return (client) => client.createOrder(anOrderRequest(overrides));
};
const lineOf = (overrides: Partial<OrderItem>): Call =>
  creating({ items: [line, { ...line, ...overrides }] });

const listing = (overrides: object): Call => {
  const state = OrderState.UNSPECIFIED;
  return (client) => client.listOrders({ pageSize: 0, pageToken: '', customerId: '', state, ...overrides });
};
const batchGetting = (orderIds: string[], customerId = ''): Call => {
  return (client) => client.batchGetOrders({ orderIds, customerId });
};
const cancelling = (overrides: object): Call => {
  return (client) =>
    client.cancelOrder({ orderId: validId, customerId: '', requestId: '', reason: '', ...overrides });
};

/** Title of the case, call, and expected fields of the error. */
const cases: readonly (readonly [string, Call, readonly string[]])[] = [
  ['an empty customer id', creating({ customerId: '' }), ['customer_id']],
  ['a customer id of 65 characters', creating({ customerId: 'c'.repeat(65) }), ['customer_id']],
  ['a customer id with a space', creating({ customerId: 'ada l' }), ['customer_id']],
  ['a customer id with NUL', creating({ customerId: 'ada\0' }), ['customer_id']],
  ['a request id of 129 characters', creating({ requestId: 'r'.repeat(129) }), ['request_id']],
  ['a request id with NUL', creating({ requestId: 'r\0' }), ['request_id']],
  ['an order without items', creating({ items: [] }), ['items']],
  ['101 items', creating({ items: manyItems(101) }), ['items']],
  ['10,000 items', creating({ items: manyItems(10_000) }), ['items']],
  ['an item without SKU', lineOf({ sku: '' }), ['items[1].sku']],
  ['a SKU of 65 characters', lineOf({ sku: 'x'.repeat(65) }), ['items[1].sku']],
  ['a SKU of half a megabyte', lineOf({ sku: 'x'.repeat(500_000) }), ['items[1].sku']],
  ['a SKU with a space', lineOf({ sku: 'flat white' }), ['items[1].sku']],
  ['a SKU with NUL', lineOf({ sku: 'nul\0' }), ['items[1].sku']],
  ['a quantity of 0', lineOf({ quantity: 0n }), ['items[1].quantity']],
  ['a negative quantity', lineOf({ quantity: -1n }), ['items[1].quantity']],
  ['the minimum of int64 as quantity', lineOf({ quantity: -(2n ** 63n) }), ['items[1].quantity']],
  ['a quantity over 10,000', lineOf({ sku: 'latte', quantity: 10_001n }), ['items[1].quantity']],
  ['the maximum of int64 as quantity', lineOf({ quantity: 2n ** 63n - 1n }), ['items[1].quantity']],
  [
    'equal SKUs whose quantities sum to more than 10,000',
    lineOf({ quantity: 10_000n }),
    ['items[1].quantity'],
  ],
  [
    'quantities whose sum overflows int64',
    creating({ items: [anItemWithMaximumQuantity(), anItemWithMaximumQuantity()] }),
    quantityFields(2),
  ],
  ['an empty payment method', creating({ paymentMethod: '' }), ['payment_method']],
  ['a card number', creating({ paymentMethod: '4242424242424242' }), ['payment_method']],
  ['a card number with spaces', creating({ paymentMethod: '4242 4242 4242 4242' }), ['payment_method']],
  ['a card number in a token', creating({ paymentMethod: 'pm_4242424242424242' }), ['payment_method']],
  ['a card number in groups', creating({ paymentMethod: 'pm_4242_4242_4242_4242' }), ['payment_method']],
  ['an expected total of zero', expecting({ units: 0n }), ['expected_total']],
  ['a negative expected total', expecting({ units: -7n }), ['expected_total']],
  ['an expected total with a tenth of a cent', expecting({ nanos: 1_000_000 }), ['expected_total']],
  ['an expected total in an unknown currency', expecting({ currencyCode: 'XXX' }), ['expected_total']],
  ['a token of 65 characters', creating({ paymentMethod: `pm_${'a'.repeat(62)}` }), ['payment_method']],
  ['a token with NUL', creating({ paymentMethod: 'pm_approve\0' }), ['payment_method']],
  [
    'an order with five invalid fields',
    creating({ requestId: '\0', customerId: '', paymentMethod: '', items: [{ sku: '', quantity: 0n }] }),
    ['request_id', 'customer_id', 'payment_method', 'items[0].sku', 'items[0].quantity'],
  ],
  ['BatchGetOrders without order ids', batchGetting([]), ['order_ids']],
  ['BatchGetOrders of 101 order ids', batchGetting(Array(101).fill(validId)), ['order_ids']],
  [
    'malformed order ids in BatchGetOrders',
    batchGetting(['', validId, validId.toUpperCase(), `${validId.slice(1)}\0`]),
    ['order_ids[0]', 'order_ids[2]', 'order_ids[3]'],
  ],
  ['a malformed customer id in BatchGetOrders', batchGetting([validId], 'a b'), ['customer_id']],
  ['a page size of -1', listing({ pageSize: -1 }), ['page_size']],
  ['a page size of 1,001', listing({ pageSize: 1001 }), ['page_size']],
  ['a list filter with a malformed customer id', listing({ customerId: 'a b' }), ['customer_id']],
  ['a list filter with NUL in the customer id', listing({ customerId: 'ada\0' }), ['customer_id']],
  ['a list filter with an unknown state', listing({ state: 6 }), ['state']],
  ['a list filter with a negative state', listing({ state: -1 }), ['state']],
  ['a cancellation with a reason of 201 characters', cancelling({ reason: 'r'.repeat(201) }), ['reason']],
  ['a cancellation with NUL in its reason', cancelling({ reason: '\0' }), ['reason']],
  [
    'a cancellation with a request id of 129 characters',
    cancelling({ requestId: 'r'.repeat(129) }),
    ['request_id'],
  ],
  ['a watch after a negative revision', watching(-1), ['after_revision']],
  ['a watch with the minimum of int32 as revision', watching(-(2 ** 31)), ['after_revision']],
];

const invalidOrderIds = {
  'an empty order id': '',
  'an order id that is not a UUID': 'order-1',
  'an upper-case UUID as order id': validId.toUpperCase(),
  'an order id of 10,000 characters': 'x'.repeat(10_000),
  'an order id with NUL': `${validId.slice(1)}\0`,
};

type RefCall = (
  client: OrderClient,
  ref: { readonly orderId: string; readonly customerId: string },
) => Promise<unknown>;
/** Calls of every method with an order id in its request. */
const orderIdMethods: Readonly<Record<string, RefCall>> = {
  GetOrder: (client, ref) => client.getOrder(ref),
  GetOrderTimeline: (client, ref) => client.getOrderTimeline(ref),
  WatchOrder: (client, ref) => allOf(client.watchOrder({ ...ref, afterRevision: 0 })),
  CancelOrder: (client, ref) => client.cancelOrder({ ...ref, requestId: 'c-1', reason: 'why' }),
};

describe('the order service rejects, without a change of the database,', () => {
  let server: TestOrderServer;
  let rowsBefore: unknown;

  before(async () => {
    server = await startOrderServer();
    server.ports.setPrice('gold', 'USD', BigInt(Number.MAX_SAFE_INTEGER));
    await createOrder(server.client);
    rowsBefore = await server.db.query(countRows());
  });
  after(() => server.close());
  afterEach(async () => {
    expect(await server.db.query(countRows())).to.deep.equal(rowsBefore);
  });

  const itRejects = (title: string, call: Call, fields: readonly string[]): void =>
    void it(title, async () => {
      const error = await expectReason(call(server.client), 'VALIDATION_FAILED');
      expect(error.cause).to.have.property('code', Status.INVALID_ARGUMENT);
      expect(error.fields.map(({ field }) => field)).to.deep.equal(fields);
    });

  for (const [title, call, fields] of cases) itRejects(title, call, fields);
  for (const [name, call] of Object.entries(orderIdMethods)) {
    for (const [title, orderId] of Object.entries(invalidOrderIds))
      itRejects(`${title} in ${name}`, (client) => call(client, { orderId, customerId: '' }), ['order_id']);
    itRejects(
      `a malformed customer id in ${name}`,
      (client) => call(client, { orderId: validId, customerId: 'a b' }),
      ['customer_id'],
    );
  }

  it('an unknown SKU, alone or with known SKUs', async () => {
    for (const items of [[{ sku: 'tea', quantity: 1n }], [line, { sku: 'tea', quantity: 1n }]]) {
      const error = await expectReason(createOrder(server.client, { items }), 'PRODUCT_NOT_FOUND');
      expect(error.cause).to.have.property('code', Status.NOT_FOUND);
      expect(error.message).to.contain('tea');
    }
  });

  it('items with prices in different currencies', async () => {
    const items = [{ sku: 'headphones', quantity: 1n }, line];
    const error = await expectReason(createOrder(server.client, { items }), 'CURRENCY_MISMATCH');
    expect(error.cause).to.have.property('code', Status.INVALID_ARGUMENT);
    expect(error.fields).to.deep.equal([
      { field: 'items', description: 'espresso is priced in USD' },
      { field: 'items', description: 'headphones is priced in JPY' },
    ]);
  });

  it('an order whose total exceeds the maximum', async () => {
    const items = [{ sku: 'gold', quantity: 2n }];
    const error = await expectReason(createOrder(server.client, { items }), 'VALIDATION_FAILED');
    expect(error.fields.map(({ field }) => field)).to.deep.equal(['items']);
  });

  it('an order, with the reason INTERNAL, after an unexpected failure of the catalog', async () => {
    server.ports.catalogFailure = new TypeError('socket hang up');
    const error = await expectReason(createOrder(server.client), 'INTERNAL');
    server.ports.catalogFailure = undefined;
    expect(error).to.deep.include({ message: 'internal error', metadata: {} });
  });

  for (const [method, field, request] of requestsWithMark())
    it(`text that is not UTF-8 in ${field} of ${method.path}`, async () => {
      const bytes = method.requestSerialize(request as never);
      const markIndex = bytes.indexOf('MARK');
      const body = Buffer.concat([
        bytes.subarray(0, markIndex),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
        bytes.subarray(markIndex + 4),
      ]);
      const response = await rawCall(server.address, { path: method.path, body: frame(body) });
      expect(response.code).to.equal(Status.INVALID_ARGUMENT);
      expect(response.error().fields.map((violation) => violation.field)).to.deep.equal([field]);
    });

  it('bytes that are not protobuf, and messages larger than a megabyte', async () => {
    for (const { path } of Object.values(OrderServiceService)) {
      const broken = await rawCall(server.address, { path, body: frame(Buffer.from([0x0a, 0x7f, 0x61])) });
      expect(broken.error().reason).to.equal('MALFORMED_MESSAGE');
      const huge = await rawCall(server.address, { path, body: frame(Buffer.alloc(1_048_577)) });
      expect(huge.error().reason).to.equal('MESSAGE_TOO_LARGE');
    }
  });

  for (const [name, call] of Object.entries(orderIdMethods))
    it(`an unknown order, and an order of another customer, in ${name}`, async () => {
      const { orders } = await server.client.listOrders({
        pageSize: 1,
        pageToken: '',
        customerId: 'ada',
        state: OrderState.UNSPECIFIED,
      });
      const adaOrderId = orders[0]?.orderId ?? '';
      for (const ref of [
        { orderId: adaOrderId, customerId: 'bob' },
        { orderId: adaOrderId, customerId: 'Ada' },
        { orderId: uuidv7(), customerId: 'ada' },
        { orderId: uuidv7(), customerId: '' },
      ]) {
        const error = await expectReason(call(server.client, ref), 'ORDER_NOT_FOUND');
        expect(error.cause).to.have.property('code', Status.NOT_FOUND);
        expect(error).to.deep.include({ message: 'no such order', metadata: { order_id: ref.orderId } });
      }
    });
});

describe('the validation of CreateOrder', () => {
  let server: TestOrderServer;

  before(async () => {
    server = await startOrderServer();
  });
  after(() => server.close());

  it('does not use up the request id of an invalid request', async () => {
    const request = anOrderRequest({ items: [{ sku: 'espresso', quantity: 0n }] });
    await expectReason(server.client.createOrder(request), 'VALIDATION_FAILED');
    const { order } = await server.client.createOrder({ ...request, items: [line] });
    expect(order?.state).to.equal(OrderState.CONFIRMED);
  });

  it('accepts equal SKUs, and sums their quantities', async () => {
    const items = [line, { sku: 'latte', quantity: 1n }, { sku: 'espresso', quantity: 9999n }];
    const { lines } = await createOrder(server.client, { items });
    expect(lines.map(({ sku, quantity }) => [sku, quantity])).to.deep.equal([
      ['espresso', 10_000n],
      ['latte', 1n],
    ]);
  });
});

describe('a payment-method token', () => {
  it('appears in no log line and no response', async () => {
    const { client, ports, logs, close } = await startOrderServer();
    const paymentMethod = 'pm_secret_token';
    const responses: unknown[] = [];
    const record = async (call: Promise<unknown>): Promise<void> => void responses.push(await call);
    const confirmed = await createOrder(client, { paymentMethod });
    ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    await record(createOrder(client, { paymentMethod }));
    ports.faults.set(
      'RESERVE_STOCK',
      inSequence(failing(new Error('unavailable')), failing(new Error('unavailable'))),
    );
    await record(createOrder(client, { paymentMethod }));
    const { requestId } = confirmed;
    await record(failureOf(createOrder(client, { paymentMethod, requestId, items: [line] })));
    await record(failureOf(createOrder(client, { paymentMethod: `${paymentMethod}!` })));
    await record(failureOf(createOrder(client, { paymentMethod, items: [{ sku: 'tea', quantity: 1n }] })));
    ports.catalogFailure = new Error('unavailable');
    await record(failureOf(createOrder(client, { paymentMethod })));
    const ref = { orderId: confirmed.orderId, customerId: '' };
    for (const call of Object.values(orderIdMethods)) await record(call(client, ref));
    await record(listing({})(client));
    await close();

    const returned = JSON.stringify([confirmed, responses.map(withErrorFields)], (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(returned).to.contain(confirmed.orderId).and.to.contain('REQUEST_ID_REUSED');
    expect(returned).not.to.contain('secret_token');
    expect(logs.join('')).to.contain(confirmed.orderId).and.to.contain('saga step in doubt');
    expect(logs.join('')).not.to.contain('secret_token');
  });
});

/** Copies an error to an object with all its fields, because JSON.stringify omits the message and cause of an Error. */
function withErrorFields(response: unknown): unknown {
  if (!(response instanceof Error)) return response;
  const { name, message, cause } = response;
  return Object.assign({}, response, { name, message, cause: withErrorFields(cause) });
}

/** Returns one request for each string field of each method, with the text MARK in the field. */
function requestsWithMark() {
  const {
    createOrder: create,
    getOrder,
    batchGetOrders,
    getOrderTimeline,
    watchOrder,
    cancelOrder,
    listOrders,
  } = OrderServiceService;
  const ref = { orderId: uuidv7(), customerId: '', afterRevision: 0, requestId: '', reason: '' };
  const page = { pageSize: 0, pageToken: '', customerId: '', state: OrderState.UNSPECIFIED };
  const refRequests = [getOrder, getOrderTimeline, watchOrder, cancelOrder].flatMap((method) => [
    [method, 'order_id', { ...ref, orderId: 'MARK' }] as const,
    [method, 'customer_id', { ...ref, customerId: 'MARK' }] as const,
  ]);
  return [
    [create, 'request_id', anOrderRequest({ requestId: 'MARK' })],
    [create, 'customer_id', anOrderRequest({ customerId: 'MARK' })],
    [create, 'payment_method', anOrderRequest({ paymentMethod: 'pm_MARK' })],
    [create, 'items[0].sku', anOrderRequest({ items: [{ sku: 'MARK', quantity: 1n }] })],
    ...refRequests,
    [batchGetOrders, 'order_ids[0]', { orderIds: ['MARK'], customerId: '' }],
    [batchGetOrders, 'customer_id', { orderIds: [uuidv7()], customerId: 'MARK' }],
    [cancelOrder, 'request_id', { ...ref, requestId: 'MARK' }],
    [cancelOrder, 'reason', { ...ref, reason: 'MARK' }],
    [listOrders, 'customer_id', { ...page, customerId: 'MARK' }],
    [listOrders, 'page_token', { ...page, pageToken: 'MARK' }],
  ] as const;
}

function anItemWithMaximumQuantity(): OrderItem {
  return { sku: 'espresso', quantity: 2n ** 63n - 1n };
}

function quantityFields(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `items[${index}].quantity`);
}

function expecting(overrides: Partial<Money>): Call {
  const expectedTotal = { currencyCode: 'USD', units: 7n, nanos: 0, ...overrides };
  return (client) => client.createOrder({ ...anOrderRequest(), expectedTotal });
}

function watching(afterRevision: number): Call {
  return (client) => allOf(client.watchOrder({ orderId: validId, customerId: '', afterRevision }));
}
