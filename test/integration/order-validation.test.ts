import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { failing, inTurn, refusing } from '../../pkg/order/testing/faults.js';
import {
  OrderServiceService,
  OrderState,
  type CreateOrderRequest,
  type OrderItem,
} from '../../pkg/pb/order/v1/order.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { frame, rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  aCreate,
  countRows,
  create,
  methodsOfOneOrder,
  requestsWithMark,
  startOrdersForTest,
  type OrderClient,
  type TestOrders,
} from './order-grpc-server.js';

type Call = (client: OrderClient) => Promise<unknown>;

const id = '018f0000-0000-7000-8000-00000000000a';
const line: OrderItem = { sku: 'espresso', quantity: 1n };
const many = (count: number): OrderItem[] =>
  Array.from({ length: count }, (_, index) => ({ sku: `sku-${index}`, quantity: 1n }));

const creating = (over: Partial<CreateOrderRequest>): Call => {
  return (client) => client.createOrder(aCreate(over));
};
const lineOf = (over: Partial<OrderItem>): Call => creating({ items: [line, { ...line, ...over }] });

const listing = (over: object): Call => {
  const state = OrderState.UNSPECIFIED;
  return (client) => client.listOrders({ pageSize: 0, pageToken: '', customerId: '', state, ...over });
};
const cancelling = (over: object): Call => {
  return (client) => client.cancelOrder({ orderId: id, customerId: '', requestId: '', reason: '', ...over });
};

/** What is wrong, the call, and the fields that the refusal names. */
const cases: readonly (readonly [string, Call, readonly string[]])[] = [
  ['no customer', creating({ customerId: '' }), ['customer_id']],
  ['a customer of 65 characters', creating({ customerId: 'c'.repeat(65) }), ['customer_id']],
  ['a customer with a space', creating({ customerId: 'ada l' }), ['customer_id']],
  ['a customer with NUL', creating({ customerId: 'ada\0' }), ['customer_id']],
  ['a request id of 129 characters', creating({ requestId: 'r'.repeat(129) }), ['request_id']],
  ['a request id with NUL', creating({ requestId: 'r\0' }), ['request_id']],
  ['no lines', creating({ items: [] }), ['items']],
  ['101 lines', creating({ items: many(101) }), ['items']],
  ['10,000 lines', creating({ items: many(10_000) }), ['items']],
  ['a line without SKU', lineOf({ sku: '' }), ['items[1].sku']],
  ['a SKU of 65 characters', lineOf({ sku: 'x'.repeat(65) }), ['items[1].sku']],
  ['a SKU of half a megabyte', lineOf({ sku: 'x'.repeat(500_000) }), ['items[1].sku']],
  ['a SKU with a space', lineOf({ sku: 'flat white' }), ['items[1].sku']],
  ['a SKU with NUL', lineOf({ sku: 'nul\0' }), ['items[1].sku']],
  ['no quantity', lineOf({ quantity: 0n }), ['items[1].quantity']],
  ['a negative quantity', lineOf({ quantity: -1n }), ['items[1].quantity']],
  ['the least quantity there is', lineOf({ quantity: -(2n ** 63n) }), ['items[1].quantity']],
  ['a quantity over 10,000', lineOf({ sku: 'latte', quantity: 10_001n }), ['items[1].quantity']],
  ['the largest quantity there is', lineOf({ quantity: 2n ** 63n - 1n }), ['items[1].quantity']],
  ['equal SKUs that are too many in all', lineOf({ quantity: 10_000n }), ['items[1].quantity']],
  ['quantities whose sum is no int64', creating({ items: [maximum(), maximum()] }), quantitiesOf(2)],
  ['no payment method', creating({ paymentMethod: '' }), ['payment_method']],
  ['a card number', creating({ paymentMethod: '4242424242424242' }), ['payment_method']],
  ['a card number with spaces', creating({ paymentMethod: '4242 4242 4242 4242' }), ['payment_method']],
  ['a card number in a token', creating({ paymentMethod: 'pm_4242424242424242' }), ['payment_method']],
  ['a card number in groups', creating({ paymentMethod: 'pm_4242_4242_4242_4242' }), ['payment_method']],
  ['a token that is too long', creating({ paymentMethod: `pm_${'a'.repeat(62)}` }), ['payment_method']],
  ['a token with NUL', creating({ paymentMethod: 'pm_approve\0' }), ['payment_method']],
  [
    'everything that is wrong with an order at once',
    creating({ requestId: '\0', customerId: '', paymentMethod: '', items: [{ sku: '', quantity: 0n }] }),
    ['request_id', 'customer_id', 'payment_method', 'items[0].sku', 'items[0].quantity'],
  ],
  ['a page of -1', listing({ pageSize: -1 }), ['page_size']],
  ['a page of 1,001', listing({ pageSize: 1001 }), ['page_size']],
  ['a list of what is no customer', listing({ customerId: 'a b' }), ['customer_id']],
  ['a list of a customer with NUL', listing({ customerId: 'ada\0' }), ['customer_id']],
  ['a list of an unknown state', listing({ state: 6 }), ['state']],
  ['a list of a negative state', listing({ state: -1 }), ['state']],
  ['a cancellation with a reason of 201 characters', cancelling({ reason: 'r'.repeat(201) }), ['reason']],
  ['a cancellation with NUL in its reason', cancelling({ reason: '\0' }), ['reason']],
  ['a cancellation with a long request id', cancelling({ requestId: 'r'.repeat(129) }), ['request_id']],
  ['watching after a negative revision', watching(-1), ['after_revision']],
  ['watching after the least revision', watching(-(2 ** 31)), ['after_revision']],
];

const badIds = {
  'no id': '',
  'an id that is no UUID': 'order-1',
  'an upper-case UUID': id.toUpperCase(),
  'an id of great length': 'x'.repeat(10_000),
  'an id with NUL': `${id.slice(1)}\0`,
};

describe('the order service refuses, and stores nothing of,', () => {
  let server: TestOrders;
  let untouched: unknown;

  before(async () => {
    server = await startOrdersForTest();
    server.ports.sells('gold', 'USD', BigInt(Number.MAX_SAFE_INTEGER));
    await create(server.client);
    untouched = await server.db.query(countRows);
  });
  after(() => server.close());
  afterEach(async () => {
    expect(await server.db.query(countRows)).to.deep.equal(untouched);
  });

  const refuses = (what: string, call: Call, fields: readonly string[]): void =>
    void it(what, async () => {
      const error = await expectReason(call(server.client), 'VALIDATION_FAILED');
      expect(error.cause).to.have.property('code', Status.INVALID_ARGUMENT);
      expect(error.fields.map(({ field }) => field)).to.deep.equal(fields);
    });

  for (const [what, call, fields] of cases) refuses(what, call, fields);
  for (const [name, call] of Object.entries(methodsOfOneOrder)) {
    for (const [what, orderId] of Object.entries(badIds))
      refuses(`${what} in ${name}`, (client) => call(client, { orderId, customerId: '' }), ['order_id']);
    refuses(`what is no customer in ${name}`, (client) => call(client, { orderId: id, customerId: 'a b' }), [
      'customer_id',
    ]);
  }

  it('a SKU that is not sold, alone or among others', async () => {
    for (const items of [[{ sku: 'tea', quantity: 1n }], [line, { sku: 'tea', quantity: 1n }]]) {
      const error = await expectReason(create(server.client, { items }), 'PRODUCT_NOT_FOUND');
      expect(error.cause).to.have.property('code', Status.NOT_FOUND);
      expect(error.message).to.contain('tea');
    }
  });

  it('lines that are priced in different currencies', async () => {
    const items = [{ sku: 'headphones', quantity: 1n }, line];
    const error = await expectReason(create(server.client, { items }), 'CURRENCY_MISMATCH');
    expect(error.cause).to.have.property('code', Status.INVALID_ARGUMENT);
    expect(error.fields).to.deep.equal([
      { field: 'items', description: 'espresso is priced in USD' },
      { field: 'items', description: 'headphones is priced in JPY' },
    ]);
  });

  it('an order that costs more than the system can handle', async () => {
    const items = [{ sku: 'gold', quantity: 2n }];
    const error = await expectReason(create(server.client, { items }), 'VALIDATION_FAILED');
    expect(error.fields.map(({ field }) => field)).to.deep.equal(['items']);
  });

  it('an order that meets a failure nobody foresaw', async () => {
    server.ports.catalogFailure = new TypeError('socket hang up');
    const error = await expectReason(create(server.client), 'INTERNAL');
    server.ports.catalogFailure = undefined;
    expect(error).to.deep.include({ message: 'internal error', metadata: {} });
  });

  for (const [method, at, request] of requestsWithMark())
    it(`text that is not UTF-8 in ${at} of ${method.path}`, async () => {
      const bytes = method.requestSerialize(request as never);
      const marked = bytes.indexOf('MARK');
      const body = Buffer.concat([
        bytes.subarray(0, marked),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
        bytes.subarray(marked + 4),
      ]);
      const answer = await rawCall(server.address, { path: method.path, body: frame(body) });
      expect(answer.code).to.equal(Status.INVALID_ARGUMENT);
      expect(answer.error().fields.map(({ field }) => field)).to.deep.equal([at]);
    });

  it('bytes that are not protobuf, and messages of over a megabyte', async () => {
    for (const { path } of Object.values(OrderServiceService)) {
      const broken = await rawCall(server.address, { path, body: frame(Buffer.from([0x0a, 0x7f, 0x61])) });
      expect(broken.error().reason).to.equal('MALFORMED_MESSAGE');
      const huge = await rawCall(server.address, { path, body: frame(Buffer.alloc(1_048_577)) });
      expect(huge.error().reason).to.equal('MESSAGE_TOO_LARGE');
    }
  });

  for (const [name, call] of Object.entries(methodsOfOneOrder))
    it(`an order that is unknown, or of somebody else, in ${name}`, async () => {
      const { orders } = await server.client.listOrders({
        pageSize: 1,
        pageToken: '',
        customerId: 'ada',
        state: OrderState.UNSPECIFIED,
      });
      const ofAda = orders[0]?.orderId ?? '';
      for (const ref of [
        { orderId: ofAda, customerId: 'bob' },
        { orderId: ofAda, customerId: 'Ada' },
        { orderId: uuidv7(), customerId: 'ada' },
        { orderId: uuidv7(), customerId: '' },
      ]) {
        const error = await expectReason(call(server.client, ref), 'ORDER_NOT_FOUND');
        expect(error.cause).to.have.property('code', Status.NOT_FOUND);
        expect(error).to.deep.include({ message: 'no such order', metadata: { order_id: ref.orderId } });
      }
    });
});

describe('a refused order', () => {
  let server: TestOrders;

  before(async () => {
    server = await startOrdersForTest();
  });
  after(() => server.close());

  it('does not use up its request id', async () => {
    const request = aCreate({ items: [{ sku: 'espresso', quantity: 0n }] });
    await expectReason(server.client.createOrder(request), 'VALIDATION_FAILED');
    const { order } = await server.client.createOrder({ ...request, items: [line] });
    expect(order?.state).to.equal(OrderState.CONFIRMED);
  });

  it('is not needed to sum equal SKUs', async () => {
    const items = [line, { sku: 'latte', quantity: 1n }, { sku: 'espresso', quantity: 9999n }];
    const { lines } = await create(server.client, { items });
    expect(lines.map(({ sku, quantity }) => [sku, quantity])).to.deep.equal([
      ['espresso', 10_000n],
      ['latte', 1n],
    ]);
  });
});

describe('a payment-method token', () => {
  it('is neither logged nor told', async () => {
    const { client, ports, logs, close } = await startOrdersForTest();
    const paymentMethod = 'pm_nobody_may_see_this';
    const answers: unknown[] = [];
    const ask = async (answer: Promise<unknown>): Promise<void> => void answers.push(await answer);
    const confirmed = await create(client, { paymentMethod });
    ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    await ask(create(client, { paymentMethod }));
    ports.faults.set('RESERVE_STOCK', inTurn(failing(new Error('away')), failing(new Error('away'))));
    await ask(create(client, { paymentMethod }));
    const { requestId } = confirmed;
    await ask(failureOf(create(client, { paymentMethod, requestId, items: [line] })));
    await ask(failureOf(create(client, { paymentMethod: `${paymentMethod}!` })));
    await ask(failureOf(create(client, { paymentMethod, items: [{ sku: 'tea', quantity: 1n }] })));
    ports.catalogFailure = new Error('away');
    await ask(failureOf(create(client, { paymentMethod })));
    const ref = { orderId: confirmed.orderId, customerId: '' };
    for (const call of Object.values(methodsOfOneOrder)) await ask(call(client, ref));
    await ask(listing({})(client));
    await close();

    const told = JSON.stringify([confirmed, answers.map(inFull)], (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(told).to.contain(confirmed.orderId).and.to.contain('REQUEST_ID_REUSED');
    expect(told).not.to.contain('nobody_may_see');
    expect(logs.join('')).to.contain(confirmed.orderId).and.to.contain('saga step in doubt');
    expect(logs.join('')).not.to.contain('nobody_may_see');
  });
});

/** Errors have no JSON of their own. */
function inFull(answer: unknown): unknown {
  if (!(answer instanceof Error)) return answer;
  const { name, message, cause } = answer;
  return Object.assign({}, answer, { name, message, cause: inFull(cause) });
}

function maximum(): OrderItem {
  return { sku: 'espresso', quantity: 2n ** 63n - 1n };
}

function quantitiesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `items[${index}].quantity`);
}

function watching(afterRevision: number): Call {
  return (client) => allOf(client.watchOrder({ orderId: id, customerId: '', afterRevision }));
}
