import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { format, money, type Money } from '../../../pkg/money/index.js';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import type { Order, OrderRequest } from '../../../pkg/order/domain.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions } from '../../support/order/replica.js';
import { countRows, startOrderServer } from '../../support/order/server.js';

const usd = (minor: number): Money => money('USD', minor);

/** An order of two espressos, which cost 7.00 USD in the fake catalog. */
function expecting(expectedTotal: Money | undefined): OrderRequest {
  return { ...anOrderRequest(), expectedTotal };
}

describe('the expected total of CreateOrder', () => {
  const fixture = useOrders();
  const create = (request: OrderRequest): Promise<Order> =>
    fixture.orders.createOrder(request, callOptions());

  it('is equal to the total of an accepted order', async () => {
    const order = await create(expecting(usd(700)));

    expect(order).to.deep.include({ state: 'CONFIRMED', total: usd(700) });
    expect(fixture.ports.catalogReads).to.deep.equal({ cached: 1, current: 0 });
  });

  for (const expected of [usd(699), usd(701), money('EUR', 700)])
    it(`rejects an order with another total and stores nothing (${format(expected)})`, async () => {
      const rows = await fixture.database.db.query(countRows());

      const error = await expectReason(create(expecting(expected)), 'PRICE_CHANGED');

      expect(error.metadata).to.deep.equal({ expected_total: format(expected), current_total: '7.00 USD' });
      expect(error.preconditions).to.deep.equal([
        { type: 'PRICE', subject: 'expected_total', description: 'the current total is 7.00 USD' },
      ]);
      expect(fixture.ports.calls).to.deep.equal([]);
      expect(await fixture.database.db.query(countRows())).to.deep.equal(rows);
    });

  it('leaves the request id of a rejected order unused', async () => {
    const request = expecting(usd(600));
    await expectReason(create(request), 'PRICE_CHANGED');

    expect(await create({ ...request, expectedTotal: usd(700) })).to.include({ state: 'CONFIRMED' });
  });

  describe('is compared with current prices if cached prices have another total:', () => {
    beforeEach(() => void fixture.ports.cachePrices().setPrice('espresso', 'USD', 400n));

    it('the current total is accepted', async () => {
      const order = await create(expecting(usd(800)));

      expect(order).to.deep.include({ state: 'CONFIRMED', total: usd(800) });
      expect(order.lines[0]?.unitPrice).to.deep.equal(usd(400));
      expect(fixture.ports.catalogReads).to.deep.equal({ cached: 1, current: 1 });
    });

    it('a total that is neither cached nor current is rejected after one more read', async () => {
      const error = await expectReason(create(expecting(usd(900))), 'PRICE_CHANGED');

      expect(error.metadata).to.deep.equal({ expected_total: '9.00 USD', current_total: '8.00 USD' });
      expect(fixture.ports.catalogReads).to.deep.equal({ cached: 1, current: 1 });
    });

    it('the total of the cached prices is accepted without another read', async () => {
      expect(await create(expecting(usd(700)))).to.deep.include({ total: usd(700) });
      expect(fixture.ports.catalogReads).to.deep.equal({ cached: 1, current: 0 });
    });

    it('the order fails if its product has been deleted', async () => {
      fixture.ports.products.delete('espresso');
      await expectReason(create(expecting(usd(800))), 'PRODUCT_NOT_FOUND');
    });

    it('an order without an expected total takes the cached prices', async () => {
      expect(await create(expecting(undefined))).to.deep.include({ total: usd(700) });
      expect(fixture.ports.catalogReads).to.deep.equal({ cached: 1, current: 0 });
    });
  });

  const totals = { 'with an expected total': usd(700), 'without an expected total': undefined };
  for (const [label, expectedTotal] of Object.entries(totals))
    describe(`of a repeat of an order ${label}`, () => {
      let request: OrderRequest;
      let order: Order;

      beforeEach(async () => {
        request = expecting(expectedTotal);
        order = await create(request);
        fixture.ports.setPrice('espresso', 'USD', 400n);
      });

      it('may be the total of the order or be unset, whatever the current prices are', async () => {
        expect(await create({ ...request, expectedTotal: usd(700) })).to.deep.equal(order);
        expect(await create({ ...request, expectedTotal: undefined })).to.deep.equal(order);
        fixture.ports.catalogFailure = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'down' });
        expect(await create({ ...request, expectedTotal: usd(700) })).to.deep.equal(order);
      });

      for (const other of [usd(800), usd(650), money('EUR', 700)])
        it(`may not be another total (${format(other)})`, async () => {
          const repeat = create({ ...request, expectedTotal: other });
          const { metadata } = await expectReason(repeat, 'REQUEST_ID_REUSED');
          expect(metadata).to.deep.equal({ request_id: request.requestId });
        });
    });

  it('fails over gRPC with FAILED_PRECONDITION', async () => {
    const { client, close } = await startOrderServer();
    const expectedTotal = { currencyCode: 'USD', units: 6n, nanos: 0 };

    const error = await expectReason(
      client.createOrder({ ...anOrderRequest(), expectedTotal }),
      'PRICE_CHANGED',
    );
    await close();

    expect(error.cause).to.have.property('code', Status.FAILED_PRECONDITION);
    expect(error.message).to.equal('the total of the order is 7.00 USD, not 6.00 USD');
  });
});
