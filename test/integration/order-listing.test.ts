import { expect } from 'chai';
import { refusing } from '../../pkg/order/testing/faults.js';
import { OrderState, type ListOrdersRequest, type Order } from '../../pkg/pb/order/v1/order.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { create, startOrdersForTest, type TestOrders } from './order-grpc-server.js';

const idsOf = (orders: readonly Order[]): string[] => orders.map(({ orderId }) => orderId);
const newestFirst = (ids: readonly string[]): string[] => ids.toSorted().toReversed();

describe('the list of orders', () => {
  let server: TestOrders;
  let made: Order[];

  before(async () => {
    server = await startOrdersForTest();
    const { client, ports } = server;
    // At once, so that some are made in the same millisecond.
    const confirmed = await Promise.all(Array.from({ length: 20 }, () => create(client)));
    ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    const rejected = await Promise.all(
      ['ada', 'ada', 'bob', 'bob', 'bob'].map((customerId) => create(client, { customerId })),
    );
    ports.faults.clear();
    made = [...confirmed, ...rejected];
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

  /** Every page, following the tokens; `between` runs before each but the first. */
  async function allPages(
    request: Partial<ListOrdersRequest>,
    between: () => Promise<unknown> = async () => undefined,
  ): Promise<Order[][]> {
    const pages: Order[][] = [];
    for (let pageToken = ''; ; await between()) {
      const { orders, nextPageToken } = await list({ ...request, pageToken });
      pages.push(orders);
      pageToken = nextPageToken;
      if (pageToken === '') return pages;
    }
  }

  it('has each order once, newest first, whatever the page size', async () => {
    for (const pageSize of [1, 7, 24, 25, 26, 1000]) {
      const pages = await allPages({ pageSize });
      expect(pages.map((page) => page.length)).to.deep.equal(sizes(25, pageSize));
      expect(idsOf(pages.flat())).to.deep.equal(newestFirst(idsOf(made)));
      // The rejected ones were made when the others were done; among those made at once any order will do.
      const newest = pages.flat().slice(0, 5);
      expect(newest.map(({ state }) => state)).to.deep.equal(Array(5).fill(OrderState.REJECTED));
    }
  });

  it('has the orders as they are, fifty a page', async () => {
    const { orders, nextPageToken } = await list();
    expect(nextPageToken).to.equal('');
    expect(orders).to.have.deep.members(made);
  });

  it('can be of one customer, in one state, or both', async () => {
    const listed = async (request: Partial<ListOrdersRequest>) =>
      idsOf((await allPages({ pageSize: 2, ...request })).flat());
    const expected = (wanted: (order: Order) => boolean) => newestFirst(idsOf(made.filter(wanted)));
    expect(await listed({ customerId: 'bob' })).to.deep.equal(
      expected(({ customerId }) => customerId === 'bob'),
    );
    expect(await listed({ state: OrderState.CONFIRMED })).to.deep.equal(
      expected(({ state }) => state === OrderState.CONFIRMED),
    );
    const both = await listed({ customerId: 'ada', state: OrderState.REJECTED });
    expect(both).to.have.length(2);
    expect(both).to.deep.equal(
      expected(({ customerId, state }) => customerId === 'ada' && state === OrderState.REJECTED),
    );
    expect(await listed({ customerId: 'bob', state: OrderState.CONFIRMED })).to.deep.equal([]);
  });

  it('is empty for a customer without orders, and for a state that no order is in', async () => {
    const empty = { orders: [], nextPageToken: '' };
    expect(await list({ customerId: uuidv7() })).to.deep.equal(empty);
    expect(await list({ state: OrderState.CANCELLING })).to.deep.equal(empty);
  });

  it('neither skips nor repeats an order while others arrive between its pages', async () => {
    const known = idsOf((await list({ pageSize: 1000 })).orders);
    const pages = await allPages({ pageSize: 4 }, () => create(server.client));
    expect(idsOf(pages.flat())).to.deep.equal(known);
    expect((await list({ pageSize: 1000 })).orders).to.have.length(known.length + pages.length - 1);
  });

  it('refuses a token of another listing, and what is no token', async () => {
    const { nextPageToken: ofAll } = await list({ pageSize: 1 });
    const { nextPageToken: ofBob } = await list({ pageSize: 1, customerId: 'bob' });
    const { nextPageToken: ofRejected } = await list({ pageSize: 1, state: OrderState.REJECTED });
    for (const request of [
      { pageToken: ofAll, customerId: 'bob' },
      { pageToken: ofAll, state: OrderState.REJECTED },
      { pageToken: ofBob },
      { pageToken: ofBob, customerId: 'ada' },
      { pageToken: ofRejected, state: OrderState.CONFIRMED },
      { pageToken: 'page 2' },
      { pageToken: `${ofAll}x`.slice(1) },
      { pageToken: 'x'.repeat(100_000) },
    ]) {
      const refusal = await expectReason(list(request), 'INVALID_PAGE_TOKEN');
      expect(refusal.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });
});

function sizes(total: number, pageSize: number): number[] {
  const full = Array.from({ length: Math.floor(total / pageSize) }, () => pageSize);
  return total % pageSize === 0 ? full : [...full, total % pageSize];
}
