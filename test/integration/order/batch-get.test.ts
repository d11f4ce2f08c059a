import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { BatchGetOrdersResult, Order } from '../../../pkg/pb/order/v1/order.js';
import { sql } from '../../../pkg/postgres/index.js';
import { fromStatus } from '../../../pkg/rpc/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';
import { createOrder, startOrderServer, type TestOrderServer } from '../../support/order/server.js';
import { waitFor } from '../../support/wait-for.js';

const changeOrder = sql(
  'test.change_order',
  'update orders set currency = $currency, state = $state, step = $step where id = $id',
);

const enlargeOrder = sql(
  'test.enlarge_order',
  `update orders set lines = (
     select jsonb_agg(jsonb_build_object('sku', 'sku-' || repeat('x', 56) || (1000 + n), 'name', repeat('茶', 200),
       'quantity', 1, 'unitPriceMinor', 1))
     from generate_series(1, 100) n
   ) where id = $id`,
);

describe('BatchGetOrders', () => {
  let server: TestOrderServer;
  let ada: Order;
  let bob: Order;

  before(async () => {
    server = await startOrderServer();
    ada = await createOrder(server.client);
    bob = await createOrder(server.client, { customerId: 'bob' });
  });
  after(() => server.close());

  const get = async (orderIds: string[], customerId = ''): Promise<BatchGetOrdersResult['outcome'][]> => {
    const { results } = await server.client.batchGetOrders({ orderIds, customerId });
    return results.map(({ outcome }) => outcome);
  };
  const found = (order: Order) => ({ $case: 'order', value: order });
  /** Expects the outcome to be the error that GetOrder returns. */
  const expectLikeGetOrder = async (
    outcome: BatchGetOrdersResult['outcome'],
    ref: { readonly orderId: string; readonly customerId: string },
  ): Promise<void> => {
    if (outcome?.$case !== 'status') return expect.fail(`got ${outcome?.$case}`);
    const item = fromStatus(outcome.value);
    const { reason, message, metadata, cause } = await expectReason(server.client.getOrder(ref), item.reason);
    expect(item).to.deep.include({ reason, message, metadata });
    expect(cause).to.include({ code: outcome.value.code, details: outcome.value.message });
  };

  it('returns the orders in the order of the request, and a repeated id twice', async () => {
    const outcomes = await get([bob.orderId, ada.orderId, bob.orderId]);

    expect(outcomes).to.deep.equal([found(bob), found(ada), found(bob)]);
  });

  it('is rejected with the number of orders that fit when the response would be too large', async () => {
    const large = await createOrder(server.client, { customerId: 'eve' });
    await server.db.query(enlargeOrder({ id: large.orderId }));

    const call = server.client.batchGetOrders({ orderIds: Array(100).fill(large.orderId), customerId: '' });

    const { metadata } = await expectReason(call, 'MESSAGE_TOO_LARGE');
    const fitting = Number(metadata['fitting_orders']);
    expect(fitting).to.be.within(30, 99);
    expect(await get(Array(fitting).fill(large.orderId))).to.have.length(fitting);
  });

  it('returns NOT_FOUND as GetOrder does, and the other orders', async () => {
    const unknown = uuidv7();

    const [first, second, third] = await get([unknown, ada.orderId, bob.orderId], 'ada');

    await expectLikeGetOrder(first, { orderId: unknown, customerId: 'ada' });
    expect(second).to.deep.equal(found(ada));
    await expectLikeGetOrder(third, { orderId: bob.orderId, customerId: 'ada' });
    expect(third).to.have.nested.property('value.code', Status.NOT_FOUND);
  });

  const confirmed = { currency: 'USD', state: 'CONFIRMED', step: 'CONFIRM' };
  const laterValues = {
    'a currency': { change: { ...confirmed, currency: 'ZZZ' }, cause: 'unknown currency ZZZ' },
    'a step': { change: { ...confirmed, state: 'PENDING', step: 'PACK' }, cause: 'unknown step PACK' },
  };
  for (const [label, { change, cause }] of Object.entries(laterValues))
    describe(`with an order that has ${label} of a later version`, () => {
      before(() => server.db.query(changeOrder({ id: bob.orderId, ...change })));
      after(() => server.db.query(changeOrder({ id: bob.orderId, ...confirmed })));

      it('returns INTERNAL for this order only, and logs the cause', async () => {
        const [first, second] = await get([bob.orderId, ada.orderId]);

        await expectLikeGetOrder(first, { orderId: bob.orderId, customerId: '' });
        expect(first).to.have.nested.property('value.code', Status.INTERNAL);
        expect(second).to.deep.equal(found(ada));
        const lineOfCall = () =>
          server.logs.find((line) => line.includes('BatchGetOrders') && line.includes(cause));
        await waitFor(() => lineOfCall() !== undefined, 'log line of the call');
        expect(lineOfCall())
          .to.contain(`the order ${bob.orderId} cannot be read`)
          .and.to.contain('"unreadable_orders":1');
      });

      it('returns NOT_FOUND to other customers', async () => {
        const [outcome] = await get([bob.orderId], 'ada');

        expect(outcome).to.have.nested.property('value.code', Status.NOT_FOUND);
      });
    });
});

describe('a BatchGetOrders call', () => {
  const fixture = useOrders({ BATCH_MAX: '1' });

  it('reads 100 orders with one statement', async () => {
    const { id } = await fixture.create();
    const executed = fixture.replica.statements.length;
    const ids = [...Array.from({ length: 98 }, () => uuidv7()), id, id];

    const orders = await fixture.orders.batchGetOrders({ ids, customerId: '' });

    expect(fixture.replica.statements.slice(executed)).to.deep.equal(['order.get']);
    expect(orders.slice(98)).to.deep.equal(Array(2).fill(await fixture.orders.getOrder(id, '')));
    for (const missing of orders.slice(0, 98)) expect(missing).to.include({ reason: 'ORDER_NOT_FOUND' });
  });
});
