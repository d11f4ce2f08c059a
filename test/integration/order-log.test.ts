import { expect } from 'chai';
import { failing, Gate, inTurn, refusing } from '../../pkg/order/testing/faults.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { inTrace } from '../../pkg/rpc/testing/span-recorder.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { aCreate, create, startOrdersForTest, type TestOrders } from './order-grpc-server.js';

type Line = Readonly<Record<string, unknown>>;

describe('the log of an order', () => {
  let server: TestOrders;

  before(async () => {
    server = await startOrdersForTest();
  });
  beforeEach(() => server.ports.faults.clear());
  after(() => server.close());

  function linesOf(orderId: string, msg: string): Line[] {
    const lines = server.logs.map((line) => JSON.parse(line) as Line);
    return lines.filter((line) => line['order_id'] === orderId && line['msg'] === msg);
  }

  const statesOf = (orderId: string): unknown[] =>
    linesOf(orderId, 'order changed').map((line) => line['state']);

  it('has one line for each state that it comes to, which says whose order it is and what it costs', async () => {
    const { traceId, result } = await inTrace(() => create(server.client));

    expect(statesOf(result.orderId)).to.deep.equal(['PENDING', 'CONFIRMED']);
    for (const line of linesOf(result.orderId, 'order changed'))
      expect(line).to.include({
        level: 'info',
        customer_id: 'ada',
        total_amount: 700,
        currency: 'USD',
        trace_id: traceId,
      });
  });

  it('says why it is rejected', async () => {
    server.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    const { orderId } = await create(server.client);

    expect(
      linesOf(orderId, 'order changed').map((line) => [line['state'], line['rejection_reason']]),
    ).to.deep.equal([
      ['PENDING', undefined],
      ['REJECTED', 'OUT_OF_STOCK'],
    ]);
  });

  it('has no line for a request that is repeated, only for the call', async () => {
    const request = aCreate();
    const { order } = await server.client.createOrder(request);
    const orderId = order?.orderId ?? '';
    const cancel = { requestId: 'c', orderId, customerId: 'ada', reason: '' };
    await server.client.createOrder(request);
    await server.client.cancelOrder(cancel);
    await server.client.cancelOrder(cancel);
    await server.client.cancelOrder({ ...cancel, requestId: 'another' });

    expect(statesOf(orderId)).to.deep.equal(['PENDING', 'CONFIRMED', 'CANCELLING', 'CANCELLED']);
    await waitFor(() => linesOf(orderId, 'call served').length === 5, 'five served calls');
  });

  it('has one line for the end of an order that two sagas want to bring to it', async () => {
    const gate = new Gate();
    server.ports.faults.set('CAPTURE_PAYMENT', inTurn(gate.before()));
    const placed = create(server.client, { customerId: 'grace' });
    await gate.reached;
    const ofGrace = { customerId: 'grace', state: OrderState.UNSPECIFIED, pageSize: 1, pageToken: '' };
    const { orders } = await server.client.listOrders(ofGrace);
    const orderId = orders[0]?.orderId ?? '';
    await server.client.cancelOrder({ requestId: '', orderId, customerId: '', reason: '' });
    gate.open();
    await placed;
    const isSuperseded = (): boolean => linesOf(orderId, 'order is driven elsewhere').length === 1;
    await waitFor(isSuperseded, 'the former saga to end');

    expect(statesOf(orderId)).to.deep.equal(['PENDING', 'CANCELLING', 'CANCELLED']);
  });

  it('warns of a step in doubt, with the order that it belongs to', async () => {
    server.ports.faults.set('COMMIT_STOCK', inTurn(failing(new Error('down'))));
    const { traceId, result } = await inTrace(() => create(server.client));

    const [line] = linesOf(result.orderId, 'saga step in doubt');
    expect(line).to.include({ level: 'warn', step: 'COMMIT_STOCK', attempt: 1, trace_id: traceId });
  });

  it('names the order on the line of each call, with its reservation and its payment', async () => {
    const { orderId, reservationId, paymentId, state } = await create(server.client);

    expect(state).to.equal(OrderState.CONFIRMED);
    await waitFor(() => linesOf(orderId, 'call served').length === 1, 'the served call');
    expect(linesOf(orderId, 'call served')[0]).to.include({
      customer_id: 'ada',
      reservation_id: reservationId,
      payment_id: paymentId,
      state: 'CONFIRMED',
      total_amount: 700,
      currency: 'USD',
    });
  });
});
