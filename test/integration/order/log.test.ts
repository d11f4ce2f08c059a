import { expect } from 'chai';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { failing, Gate, inSequence, refusing } from '../../../pkg/order/testing/faults.js';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { inTrace } from '../../support/rpc/span-recorder.js';
import { waitFor } from '../../support/wait-for.js';
import { createOrder, startOrderServer, type TestOrderServer } from '../../support/order/server.js';

type Line = Readonly<Record<string, unknown>>;

describe('the log lines of an order', () => {
  let server: TestOrderServer;

  before(async () => {
    server = await startOrderServer();
  });
  beforeEach(() => server.ports.faults.clear());
  after(() => server.close());

  function linesOf(orderId: string, msg: string): Line[] {
    const lines = server.logs.map((line) => JSON.parse(line) as Line);
    return lines.filter((line) => line['order_id'] === orderId && line['msg'] === msg);
  }

  const loggedStates = (orderId: string): unknown[] =>
    linesOf(orderId, 'order changed').map((line) => line['state']);

  it('include one line for each new state, with customer and total', async () => {
    const { traceId, result } = await inTrace(() => createOrder(server.client));

    expect(loggedStates(result.orderId)).to.deep.equal(['PENDING', 'CONFIRMED']);
    for (const line of linesOf(result.orderId, 'order changed'))
      expect(line).to.include({
        level: 'info',
        customer_id: 'ada',
        total_amount: 700,
        currency: 'USD',
        trace_id: traceId,
      });
  });

  it('include the reason of a rejection', async () => {
    server.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));
    const { orderId } = await createOrder(server.client);

    expect(
      linesOf(orderId, 'order changed').map((line) => [line['state'], line['rejection_reason']]),
    ).to.deep.equal([
      ['PENDING', undefined],
      ['REJECTED', 'OUT_OF_STOCK'],
    ]);
  });

  it('include no new state for a repeated request, but one line for each call', async () => {
    const request = anOrderRequest();
    const { order } = await server.client.createOrder(request);
    const orderId = order?.orderId ?? '';
    const cancel = { requestId: 'c', orderId, customerId: 'ada', reason: '' };
    await server.client.createOrder(request);
    await server.client.cancelOrder(cancel);
    await server.client.cancelOrder(cancel);
    await server.client.cancelOrder({ ...cancel, requestId: 'another' });

    expect(loggedStates(orderId)).to.deep.equal(['PENDING', 'CONFIRMED', 'CANCELLING', 'CANCELLED']);
    await waitFor(() => linesOf(orderId, 'call served').length === 5, 'log lines of five calls');
  });

  it('include the terminal state once when two sagas drive the order', async () => {
    const gate = new Gate();
    server.ports.faults.set('CAPTURE_PAYMENT', inSequence(gate.beforeEffect()));
    const creation = createOrder(server.client, { customerId: 'grace' });
    await gate.reached;
    const listRequest = { customerId: 'grace', state: OrderState.UNSPECIFIED, pageSize: 1, pageToken: '' };
    const { orders } = await server.client.listOrders(listRequest);
    const orderId = orders[0]?.orderId ?? '';
    await server.client.cancelOrder({ requestId: '', orderId, customerId: '', reason: '' });
    gate.open();
    await creation;
    const isSuperseded = (): boolean => linesOf(orderId, 'order is driven elsewhere').length === 1;
    await waitFor(isSuperseded, 'end of the superseded saga');

    expect(loggedStates(orderId)).to.deep.equal(['PENDING', 'CANCELLING', 'CANCELLED']);
  });

  it('include a warning for a step in doubt, with the order id', async () => {
    server.ports.faults.set('COMMIT_STOCK', inSequence(failing(new Error('down'))));
    const { traceId, result } = await inTrace(() => createOrder(server.client));

    const [line] = linesOf(result.orderId, 'saga step in doubt');
    expect(line).to.include({ level: 'warn', step: 'COMMIT_STOCK', attempt: 1, trace_id: traceId });
  });

  it('include the order, its reservation and its payment in the line of a call', async () => {
    const { orderId, reservationId, paymentId, state } = await createOrder(server.client);

    expect(state).to.equal(OrderState.CONFIRMED);
    await waitFor(() => linesOf(orderId, 'call served').length === 1, 'log line of the call');
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
