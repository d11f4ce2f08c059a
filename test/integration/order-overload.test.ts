import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { Gate } from '../../pkg/order/testing/faults.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import {
  aCreate,
  countRows,
  create,
  startOrdersForTest,
  type OrderClient,
  type TestOrders,
} from './order-grpc-server.js';

const limit = 3;
const findIds = sql('test.find_order_ids', 'select id from orders');

describe('a replica that drives as many orders as it may', () => {
  let server: TestOrders;
  let client: OrderClient;
  let gate: Gate;
  let driven: Promise<unknown>[];

  beforeEach(async () => {
    server = await startOrdersForTest({ ORDER_MAX_IN_FLIGHT: String(limit) });
    ({ client } = server);
    gate = new Gate();
    server.ports.faults.set('RESERVE_STOCK', gate.before());
    driven = Array.from({ length: limit }, () => create(client));
    await waitFor(() => server.ports.calls.length === limit, 'the sagas to start');
  });
  afterEach(async () => {
    gate.open();
    await Promise.all(driven);
    await server.close();
  });

  it('refuses one more with the time to wait, and stores nothing of it', async () => {
    const before = await server.db.query(countRows);
    const refusal = await expectReason(client.createOrder(aCreate()), 'OVERLOADED');
    expect(refusal.cause).to.have.property('code', Status.RESOURCE_EXHAUSTED);
    expect(refusal.retryAfterMs).to.equal(250);
    expect(await server.db.query(countRows)).to.deep.equal(before);
  });

  it('refuses a crowd, and takes the very same requests once there is room', async () => {
    const requests = Array.from({ length: 10 }, () => aCreate());
    await Promise.all(requests.map((request) => expectReason(client.createOrder(request), 'OVERLOADED')));
    gate.open();
    await Promise.all(driven);
    for (const request of requests) {
      const { order } = await client.createOrder(request);
      expect(order).to.include({ state: OrderState.CONFIRMED, requestId: request.requestId });
    }
  });

  it('still tells how orders stand, and cancels them', async () => {
    const [first] = await server.db.query<{ id: string }>(findIds);
    const ref = { orderId: first?.id ?? '', customerId: 'ada' };
    expect((await client.getOrder(ref)).order?.state).to.equal(OrderState.PENDING);
    const { order } = await client.cancelOrder({ ...ref, requestId: '', reason: '' });
    expect(order?.state).to.equal(OrderState.CANCELLED);
    expect(await allOf(client.watchOrder({ ...ref, afterRevision: 0 }))).to.have.length(order?.revision ?? 0);
  });

  it('leaves room on another replica', async () => {
    const other = await server.addReplica();
    server.ports.faults.clear();
    expect((await create(other)).state).to.equal(OrderState.CONFIRMED);
  });
});

describe('a crowd that arrives at once', () => {
  it('does not get past the limit together', async () => {
    const server = await startOrdersForTest({ ORDER_MAX_IN_FLIGHT: String(limit) });
    const gate = new Gate();
    server.ports.faults.set('RESERVE_STOCK', gate.before());
    let refused = 0;
    const calls = Array.from({ length: 20 }, () =>
      create(server.client).catch(() => {
        refused += 1;
      }),
    );
    await waitFor(() => refused === 20 - limit, 'the others to be refused');
    gate.open();
    await Promise.all(calls);
    expect(await server.db.query(findIds)).to.have.length(limit);
    await server.close();
  });
});
