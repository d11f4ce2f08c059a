import { expect } from 'chai';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { expectReason } from '../../support/expect-reason.js';
import { allOf } from '../../support/rpc/all-of.js';
import { waitFor } from '../../support/wait-for.js';
import { createOrder, startOrderServer, type TestOrderServer } from '../../support/order/server.js';

describe('a cancelled call of a client', () => {
  let server: TestOrderServer;
  let gate: Gate;

  before(async () => {
    server = await startOrderServer();
  });
  beforeEach(() => {
    gate = new Gate();
    server.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
  });
  afterEach(() => gate.open());
  after(() => server.close());

  const lastOrderId = (): string => server.ports.calls.at(-1)?.orderId ?? '';
  const stateOf = async (orderId: string) =>
    (await server.client.getOrder({ orderId, customerId: 'ada' })).order?.state;

  it('does not stop the saga of the order, and a repeated request returns the order', async () => {
    const cancel = new AbortController();
    const requestId = 'repeated';
    const call = createOrder(server.client, { requestId }, { signal: cancel.signal });
    await gate.reached;
    cancel.abort();
    await expectReason(call, 'CANCELLED');
    const orderId = lastOrderId();
    expect(await stateOf(orderId)).to.equal(OrderState.PENDING);

    gate.open();

    expect(await createOrder(server.client, { requestId })).to.include({
      orderId,
      state: OrderState.CONFIRMED,
    });
  });

  it('does not stop the cancellation of an order', async () => {
    const cancel = new AbortController();
    const creation = createOrder(server.client);
    await gate.reached;
    const orderId = lastOrderId();
    const compensation = new Gate();
    server.ports.faults.set('VOID_PAYMENT', compensation.beforeEffect());
    const call = server.client.cancelOrder(
      { orderId, customerId: '', requestId: '', reason: '' },
      { signal: cancel.signal },
    );
    await compensation.reached;
    cancel.abort();
    await expectReason(call, 'CANCELLED');

    compensation.open();
    gate.open();

    await allOf(server.client.watchOrder({ orderId, customerId: '', afterRevision: 0 }));
    expect(await stateOf(orderId)).to.equal(OrderState.CANCELLED);
    expect((await creation).state).to.equal(OrderState.CANCELLED);
  });

  it('adds no error to the log of the service', async () => {
    const cancel = new AbortController();
    const call = createOrder(server.client, {}, { signal: cancel.signal });
    await gate.reached;
    cancel.abort();
    await expectReason(call, 'CANCELLED');
    const orderId = lastOrderId();
    gate.open();
    await waitFor(async () => (await stateOf(orderId)) === OrderState.CONFIRMED, 'CONFIRMED order');

    expect(server.logs.filter((line) => line.includes('"level":"error"'))).to.deep.equal([]);
  });
});
