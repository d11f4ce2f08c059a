import { expect } from 'chai';
import { Gate } from '../../pkg/order/testing/faults.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { create, startOrdersForTest, type TestOrders } from './order-grpc-server.js';

describe('a client that leaves before it has its answer', () => {
  let server: TestOrders;
  let gate: Gate;

  before(async () => {
    server = await startOrdersForTest();
  });
  beforeEach(() => {
    gate = new Gate();
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
  });
  afterEach(() => gate.open());
  after(() => server.close());

  const lastOrderId = (): string => server.ports.calls.at(-1)?.orderId ?? '';
  const stateOf = async (orderId: string) =>
    (await server.client.getOrder({ orderId, customerId: 'ada' })).order?.state;

  it('cancels nothing by hanging up, and may ask again', async () => {
    const hangUp = new AbortController();
    const requestId = 'asked-twice';
    const call = create(server.client, { requestId }, { signal: hangUp.signal });
    await gate.reached;
    hangUp.abort();
    await expectReason(call, 'CANCELLED');
    const orderId = lastOrderId();
    expect(await stateOf(orderId)).to.equal(OrderState.PENDING);

    gate.open();

    expect(await create(server.client, { requestId })).to.include({ orderId, state: OrderState.CONFIRMED });
  });

  it('stops no cancellation either', async () => {
    const hangUp = new AbortController();
    const order = create(server.client);
    await gate.reached;
    const orderId = lastOrderId();
    const undoing = new Gate();
    server.ports.faults.set('VOID_PAYMENT', undoing.before());
    const call = server.client.cancelOrder(
      { orderId, customerId: '', requestId: '', reason: '' },
      { signal: hangUp.signal },
    );
    await undoing.reached;
    hangUp.abort();
    await expectReason(call, 'CANCELLED');

    undoing.open();
    gate.open();

    await allOf(server.client.watchOrder({ orderId, customerId: '', afterRevision: 0 }));
    expect(await stateOf(orderId)).to.equal(OrderState.CANCELLED);
    expect((await order).state).to.equal(OrderState.CANCELLED);
  });

  it('is no failure of the service', async () => {
    const hangUp = new AbortController();
    const call = create(server.client, {}, { signal: hangUp.signal });
    await gate.reached;
    hangUp.abort();
    await expectReason(call, 'CANCELLED');
    const orderId = lastOrderId();
    gate.open();
    await waitFor(async () => (await stateOf(orderId)) === OrderState.CONFIRMED, 'the order to rest');

    expect(server.logs.filter((line) => line.includes('"level":"error"'))).to.deep.equal([]);
  });
});
