import { expect } from 'chai';
import { refusing } from '../../../pkg/order/testing/faults.js';
import { OrderState, type ListOrdersRequest, type Order } from '../../../pkg/pb/order/v1/order.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { expectedPageSizes } from '../../support/page-sizes.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { createOrder, startOrderServer, type TestOrderServer } from '../../support/order/server.js';

const block = sql(
  'test.block_order',
  `update orders set state = 'CANCELLING', blocked_reason = 'REFUND_DECLINED', blocked_since = now() where id = $id`,
);
const unblock = sql(
  'test.unblock_order',
  `update orders set state = 'CONFIRMED', blocked_reason = null, blocked_since = null where id = $id`,
);
const setCurrency = sql('test.set_currency', 'update orders set currency = $currency where id = $id');
const idsOf = (orders: readonly Order[]): string[] => orders.map(({ orderId }) => orderId);
const newestFirst = (ids: readonly string[]): string[] => ids.toSorted().toReversed();

describe('ListOrders', () => {
  let server: TestOrderServer;
  let createdOrders: Order[];

  before(async () => {
    server = await startOrderServer();
    const { client, ports } = server;
    // The calls are concurrent, so that some order ids contain the same millisecond.
    const confirmed = await Promise.all(Array.from({ length: 20 }, () => createOrder(client)));
    ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    const rejected = await Promise.all(
      ['ada', 'ada', 'bob', 'bob', 'bob'].map((customerId) => createOrder(client, { customerId })),
    );
    ports.faults.clear();
    createdOrders = [...confirmed, ...rejected];
  });
  after(() => server.close());

  const list = (request: Partial<ListOrdersRequest> = {}) =>
    server.client.listOrders({
      pageSize: 0,
      pageToken: '',
      customerId: '',
      state: OrderState.UNSPECIFIED,
      ...request,
    });

  /** Returns all pages. `beforeNextPage` runs before each page except the first page. */
  async function allPages(
    request: Partial<ListOrdersRequest>,
    beforeNextPage: () => Promise<unknown> = async () => undefined,
  ): Promise<Order[][]> {
    const pages: Order[][] = [];
    for (let pageToken = ''; ; await beforeNextPage()) {
      const { orders, nextPageToken } = await list({ ...request, pageToken });
      pages.push(orders);
      pageToken = nextPageToken;
      if (pageToken === '') return pages;
    }
  }

  it('returns each order once, newest first, with any page size', async () => {
    for (const pageSize of [1, 7, 24, 25, 26, 1000]) {
      const pages = await allPages({ pageSize });
      expect(pages.map((page) => page.length)).to.deep.equal(expectedPageSizes(25, pageSize));
      expect(idsOf(pages.flat())).to.deep.equal(newestFirst(idsOf(createdOrders)));
      // Rejected orders were created last. The sequence of concurrent orders is not defined.
      const newest = pages.flat().slice(0, 5);
      expect(newest.map(({ state }) => state)).to.deep.equal(Array(5).fill(OrderState.REJECTED));
    }
  });

  it('returns all orders with all fields on one page when the request has no page size', async () => {
    const { orders, nextPageToken } = await list();
    expect(nextPageToken).to.equal('');
    expect(orders).to.have.deep.members(createdOrders);
  });

  it('filters by customer, by state, or by customer and state', async () => {
    const listed = async (request: Partial<ListOrdersRequest>) =>
      idsOf((await allPages({ pageSize: 2, ...request })).flat());
    const expectedIds = (matches: (order: Order) => boolean) =>
      newestFirst(idsOf(createdOrders.filter(matches)));
    expect(await listed({ customerId: 'bob' })).to.deep.equal(
      expectedIds(({ customerId }) => customerId === 'bob'),
    );
    expect(await listed({ state: OrderState.CONFIRMED })).to.deep.equal(
      expectedIds(({ state }) => state === OrderState.CONFIRMED),
    );
    const rejectedOfAda = await listed({ customerId: 'ada', state: OrderState.REJECTED });
    expect(rejectedOfAda).to.have.length(2);
    expect(rejectedOfAda).to.deep.equal(
      expectedIds(({ customerId, state }) => customerId === 'ada' && state === OrderState.REJECTED),
    );
    expect(await listed({ customerId: 'bob', state: OrderState.CONFIRMED })).to.deep.equal([]);
  });

  it('filters by acceptance time, with a start that is included and an end that is excluded', async () => {
    const times = createdOrders.map(({ createTime }) => createTime?.getTime() ?? 0).toSorted((a, b) => a - b);
    const [createTimeFrom, createTimeBefore] = [times.at(5), times.at(-5)].map((time) => new Date(time ?? 0));
    const listed = idsOf((await allPages({ pageSize: 3, createTimeFrom, createTimeBefore })).flat());
    const isInRange = ({ createTime }: Order): boolean =>
      createTime !== undefined && createTime >= createTimeFrom! && createTime < createTimeBefore!;
    expect(listed).to.deep.equal(newestFirst(idsOf(createdOrders.filter(isInRange))));
    expect(await list({ createTimeFrom: createTimeBefore, createTimeBefore: createTimeFrom })).to.deep.equal({
      orders: [],
      nextPageToken: '',
    });
  });

  it('filters by blocked orders, also of a customer or a state', async () => {
    const [first, second] = createdOrders;
    for (const order of [first, second]) await server.db.query(block({ id: order?.orderId }));
    const listed = async (request: Partial<ListOrdersRequest>) =>
      idsOf((await allPages({ pageSize: 1, blockedOnly: true, ...request })).flat());
    const blockedIds = newestFirst([first!.orderId, second!.orderId]);
    expect(await listed({})).to.deep.equal(blockedIds);
    expect(await listed({ customerId: first!.customerId, state: OrderState.CANCELLING })).to.deep.equal(
      blockedIds,
    );
    expect(await listed({ customerId: 'bob' })).to.deep.equal([]);
    expect(await listed({ state: OrderState.CONFIRMED })).to.deep.equal([]);
    for (const order of [first, second]) await server.db.query(unblock({ id: order?.orderId }));
  });

  it('leaves an order out that it cannot read, and lists the others', async () => {
    const unreadable = createdOrders[3]!.orderId;
    await server.db.query(setCurrency({ id: unreadable, currency: 'ZZZ' }));
    const pages = await allPages({ pageSize: 4 });
    await server.db.query(setCurrency({ id: unreadable, currency: 'USD' }));
    const others = idsOf(createdOrders).filter((id) => id !== unreadable);
    expect(idsOf(pages.flat())).to.deep.equal(newestFirst(others));
  });

  it('returns no orders for a customer without orders and for a state without orders', async () => {
    const empty = { orders: [], nextPageToken: '' };
    expect(await list({ customerId: uuidv7() })).to.deep.equal(empty);
    expect(await list({ state: OrderState.CANCELLING })).to.deep.equal(empty);
  });

  it('returns each existing order once, and no order that is created between the requests for two pages', async () => {
    const knownIds = idsOf((await list({ pageSize: 1000 })).orders);
    const pages = await allPages({ pageSize: 4 }, () => createOrder(server.client));
    expect(idsOf(pages.flat())).to.deep.equal(knownIds);
    expect((await list({ pageSize: 1000 })).orders).to.have.length(knownIds.length + pages.length - 1);
  });

  it('rejects malformed page tokens and page tokens from requests with other filters', async () => {
    const { nextPageToken: unfilteredToken } = await list({ pageSize: 1 });
    const { nextPageToken: bobToken } = await list({ pageSize: 1, customerId: 'bob' });
    const { nextPageToken: rejectedToken } = await list({ pageSize: 1, state: OrderState.REJECTED });
    for (const request of [
      { pageToken: unfilteredToken, customerId: 'bob' },
      { pageToken: unfilteredToken, state: OrderState.REJECTED },
      { pageToken: bobToken },
      { pageToken: bobToken, customerId: 'ada' },
      { pageToken: rejectedToken, state: OrderState.CONFIRMED },
      { pageToken: 'page 2' },
      { pageToken: `${unfilteredToken}x`.slice(1) },
      { pageToken: 'x'.repeat(100_000) },
    ]) {
      const error = await expectReason(list(request), 'INVALID_PAGE_TOKEN');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });
});
