import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';
import { allOf } from '../../support/rpc/all-of.js';
import { waitFor } from '../../support/wait-for.js';
import {
  countRows,
  createOrder,
  startOrderServer,
  type OrderClient,
  type TestOrderServer,
} from '../../support/order/server.js';

const limit = 3;
const findRequestIds = sql('test.find_request_ids', 'select request_id as "requestId" from orders');
const findIds = sql('test.find_order_ids', 'select id from orders');

describe('a replica at its limit of running sagas', () => {
  let server: TestOrderServer;
  let client: OrderClient;
  let gate: Gate;
  let pendingCalls: Promise<unknown>[];

  beforeEach(async () => {
    server = await startOrderServer({ ORDER_MAX_IN_FLIGHT: String(limit) });
    ({ client } = server);
    gate = new Gate();
    server.ports.faults.set('RESERVE_STOCK', gate.beforeEffect());
    pendingCalls = Array.from({ length: limit }, () => createOrder(client));
    await waitFor(() => server.ports.calls.length === limit, 'call of every saga');
  });
  afterEach(async () => {
    gate.open();
    await Promise.all(pendingCalls);
    await server.close();
  });

  it('rejects a new order with a retry delay, and stores no row', async () => {
    const rowsBefore = await server.db.query(countRows());
    const error = await expectReason(client.createOrder(anOrderRequest()), 'OVERLOADED');
    expect(error.cause).to.have.property('code', Status.RESOURCE_EXHAUSTED);
    expect(error.retryAfterMs).to.equal(250);
    expect(await server.db.query(countRows())).to.deep.equal(rowsBefore);
  });

  it('rejects many orders, and accepts the same requests later', async () => {
    const requests = Array.from({ length: 10 }, () => anOrderRequest());
    await Promise.all(requests.map((request) => expectReason(client.createOrder(request), 'OVERLOADED')));
    gate.open();
    await Promise.all(pendingCalls);
    for (const request of requests) {
      const { order } = await client.createOrder(request);
      expect(order).to.include({ state: OrderState.CONFIRMED, requestId: request.requestId });
    }
  });

  it('answers the repeat of an accepted request with its order, and rejects the request id for another order', async () => {
    const request = anOrderRequest({ requestId: 'first' });
    const [requestId] = (await server.db.query<{ requestId: string }>(findRequestIds())).map(
      (row) => row.requestId,
    );
    const repeat = { ...request, requestId: requestId ?? '' };
    const { order } = await client.createOrder(repeat, { deadline: Date.now() + 500 });
    expect(order).to.include({ state: OrderState.PENDING, requestId });
    await expectReason(client.createOrder({ ...repeat, paymentMethod: 'pm_slow' }), 'REQUEST_ID_REUSED');
  });

  it('still reads, cancels and watches orders', async () => {
    const [first] = await server.db.query<{ id: string }>(findIds());
    const ref = { orderId: first?.id ?? '', customerId: 'ada' };
    expect((await client.getOrder(ref)).order?.state).to.equal(OrderState.PENDING);
    const { order } = await client.cancelOrder({ ...ref, requestId: '', reason: '' });
    expect(order?.state).to.equal(OrderState.CANCELLED);
    expect(await allOf(client.watchOrder({ ...ref, afterRevision: 0 }))).to.have.length(order?.revision ?? 0);
  });

  it('does not limit another replica', async () => {
    const otherClient = await server.addReplica();
    server.ports.faults.clear();
    expect((await createOrder(otherClient)).state).to.equal(OrderState.CONFIRMED);
  });
});

describe('calls that wait for an order', () => {
  it('do not count for the limit of concurrent calls', async () => {
    const server = await startOrderServer({ GRPC_MAX_CONCURRENT_CALLS: '2' });
    const gate = new Gate();
    server.ports.faults.set('RESERVE_STOCK', gate.beforeEffect());
    const calls = [];
    for (let call = 1; call <= 5; call += 1) {
      calls.push(createOrder(server.client));
      await waitFor(() => server.ports.calls.length === call, 'call of the saga');
    }

    const [first] = await server.db.query<{ id: string }>(findIds());
    const { order } = await server.client.getOrder({ orderId: first?.id ?? '', customerId: '' });

    expect(order?.state).to.equal(OrderState.PENDING);
    gate.open();
    for (const { state } of await Promise.all(calls)) expect(state).to.equal(OrderState.CONFIRMED);
    await server.close();
  });
});

describe('concurrent CreateOrder calls', () => {
  it('do not exceed the limit of running sagas', async () => {
    const server = await startOrderServer({ ORDER_MAX_IN_FLIGHT: String(limit) });
    const gate = new Gate();
    server.ports.faults.set('RESERVE_STOCK', gate.beforeEffect());
    let rejected = 0;
    const calls = Array.from({ length: 20 }, () =>
      createOrder(server.client).catch(() => {
        rejected += 1;
      }),
    );
    await waitFor(() => rejected === 20 - limit, 'rejected orders above the limit');
    gate.open();
    await Promise.all(calls);
    expect(await server.db.query(findIds())).to.have.length(limit);
    await server.close();
  });
});

describe('a replica at its limit', () => {
  const fixture = useOrders({ ORDER_MAX_IN_FLIGHT: '1' });

  it('looks up only a few requests at the same time, and rejects the others without a statement', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('RESERVE_STOCK', gate.beforeEffect());
    const { id } = await fixture.accept();
    const statements = () => fixture.replica.statements.filter((name) => name === 'order.find_by_request');

    const calls = Array.from({ length: 50 }, () => expectReason(fixture.create(), 'OVERLOADED'));
    await Promise.all(calls);

    expect(statements()).to.have.lengthOf(4);
    gate.open();
    await fixture.finishedTimeline(id);
  });
});
