import { expect } from 'chai';
import { OrderState, RejectionReason, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { sql } from '../../../pkg/postgres/index.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';

const lockStock = sql('test.lock_stock', 'select sku from stock where sku = $sku for update');

describe('the four services', () => {
  let system: System;

  before(async () => {
    // The delay is shorter than SAGA_STEP_TIMEOUT, so the first attempt of a slow authorization succeeds.
    system = await startSystem({ replicas: 2, env: { PAYMENT_SLOW_DELAY: '2500ms' } });
  });
  after(() => system.close());

  const buy = async (
    client: System['order'],
    items: { sku: string; quantity: bigint }[],
    paymentMethod = 'pm_approve',
  ) => {
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    const { order } = await client.createOrder(request);
    return order as Order;
  };
  const stockOf = async (sku: string) => {
    const { stock } = await system.inventory.getStock({ sku, view: StockView.AUDIT });
    return stock;
  };

  it('confirm an order, and commit stock and capture money once', async () => {
    await system.stock({ sku: 'mug', quantity: 10n });

    const order = await buy(system.order, [{ sku: 'mug', quantity: 3n }]);

    expect(order.state).to.equal(OrderState.CONFIRMED);
    expect(order.total).to.deep.equal({ currencyCode: 'USD', units: 12n, nanos: 0 });
    expect(await stockOf('mug')).to.deep.include({ onHand: 7n, reserved: 0n, available: 7n });
    const { payment } = await system.payment.getPayment({
      paymentId: order.paymentId,
      view: PaymentView.AUDIT,
    });
    expect(payment?.state).to.equal(PaymentState.CAPTURED);
    expect(payment?.audit).to.deep.include({
      authorizationCount: 1,
      captureCount: 1,
      capturedAmount: order.total,
    });
  });

  it('release the stock when the card is declined', async () => {
    await system.stock({ sku: 'kettle', quantity: 5n });

    const order = await buy(system.order, [{ sku: 'kettle', quantity: 1n }], 'pm_decline_card_expired');

    expect(order.state).to.equal(OrderState.REJECTED);
    expect(order.rejection).to.deep.include({
      reason: RejectionReason.PAYMENT_DECLINED,
      declineCode: 'CARD_EXPIRED',
      declineAdvice: 'DO_NOT_RETRY',
    });
    expect(await stockOf('kettle')).to.deep.include({ onHand: 5n, reserved: 0n });
  });

  it('authorize the payment once when the response of the gateway is lost', async () => {
    await system.stock({ sku: 'grinder', quantity: 5n });

    const order = await buy(system.order, [{ sku: 'grinder', quantity: 1n }], 'pm_answer_lost');

    expect(order.state).to.equal(OrderState.CONFIRMED);
    const { payment } = await system.payment.getPayment({
      paymentId: order.paymentId,
      view: PaymentView.AUDIT,
    });
    expect(payment?.audit?.authorizationCount).to.equal(1);
  });

  it('refund the payment and return the stock of a cancelled order', async () => {
    await system.stock({ sku: 'scale', quantity: 5n });
    const { orderId, paymentId } = await buy(system.order, [{ sku: 'scale', quantity: 2n }]);

    const { order } = await system.order.cancelOrder({
      requestId: uuidv7(),
      orderId,
      customerId: 'ada',
      reason: '',
    });

    expect(order?.state).to.equal(OrderState.CANCELLED);
    expect(await stockOf('scale')).to.deep.include({ onHand: 5n, reserved: 0n });
    const { payment } = await system.payment.getPayment({ paymentId, view: PaymentView.BASIC });
    expect(payment?.state).to.equal(PaymentState.REFUNDED);
  });

  describe('while another client changes the payment', () => {
    const pendingOrder = async (sku: string): Promise<Order> => {
      await system.stock({ sku, quantity: 5n });
      const request = { requestId: uuidv7(), customerId: 'ada', items: [{ sku, quantity: 1n }] };
      // The timeout is shorter than the delay of the slow payment, so CreateOrder returns a PENDING order.
      const { order } = await system.order.createOrder(
        { ...request, paymentMethod: 'pm_slow' },
        { timeoutMs: 1000 },
      );
      return order as Order;
    };
    const untilTerminal = async ({ orderId }: Order): Promise<Order> => {
      const watch = { orderId, customerId: '', afterRevision: 0 };
      for await (const { entry } of system.order.watchOrder(watch, { timeoutMs: 30_000 })) void entry;
      return (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
    };

    it('reject an order whose payment is captured in part, and refund the captured amount', async () => {
      const order = await pendingOrder('vase');
      const partialAmount = { currencyCode: 'USD', units: 1n, nanos: 0 };
      const { paymentId } = order;
      // The lock on the stock row blocks COMMIT_STOCK and therefore delays CAPTURE_PAYMENT.
      await system.inventoryDb.transaction(async (tx) => {
        await tx.query(lockStock({ sku: 'vase' }));
        await waitFor(
          () =>
            system.payment.getPayment({ paymentId, view: PaymentView.BASIC }).then(
              ({ payment }) => payment?.state === PaymentState.AUTHORIZED,
              () => false,
            ),
          'authorized payment',
        );
        await system.payment.capturePayment({ paymentId, amount: partialAmount, acceptedResults: [] });
      });

      expect((await untilTerminal(order)).state).to.equal(OrderState.REJECTED);

      const { payment } = await system.payment.getPayment({
        paymentId,
        view: PaymentView.BASIC,
      });
      expect(payment?.refundedAmount).to.deep.equal(payment?.capturedAmount);
      expect(await stockOf('vase')).to.deep.include({ onHand: 5n, reserved: 0n });
    });

    it('cancel an order, although another client has sent refunds with guessed request ids', async () => {
      const order = await pendingOrder('bowl');
      const { orderId, paymentId } = order;
      for (const requestId of [`${orderId}/cancel`, `${orderId}/refund`, orderId, paymentId]) {
        await system.payment
          .refundPayment({ requestId, paymentId, amount: undefined })
          .catch(() => undefined);
      }
      expect((await untilTerminal(order)).state).to.equal(OrderState.CONFIRMED);

      const cancelled = await system.order.cancelOrder({
        requestId: '',
        orderId,
        customerId: '',
        reason: '',
      });

      expect(cancelled.order?.state).to.equal(OrderState.CANCELLED);
    });
  });

  it('sell exactly the available stock to many buyers on two replicas', async () => {
    await system.stock({ sku: 'last', quantity: 20n });
    const buyers = system.buyers(20);

    const orders = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        buy(buyers[index % 20] ?? system.order, [{ sku: 'last', quantity: 1n }]),
      ),
    );

    expect(orders.filter(({ state }) => state === OrderState.CONFIRMED)).to.have.lengthOf(20);
    expect(
      orders.filter(({ rejection }) => rejection?.reason === RejectionReason.OUT_OF_STOCK),
    ).to.have.lengthOf(60);
    const stock = await stockOf('last');
    expect(stock).to.deep.include({ onHand: 0n, reserved: 0n, available: 0n });
    expect(stock?.audit).to.deep.equal({ movementsSum: 0n, openReservationsSum: 0n, committedSum: 20n });
  });

  it('confirm concurrent orders with overlapping items in different sequences', async () => {
    const skus = ['a', 'b', 'c', 'd', 'e'].map((letter) => `basket-${letter}`);
    await Promise.all(skus.map((sku) => system.stock({ sku, quantity: 1000n })));
    const buyers = system.buyers(10);

    const orders = await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const rotated = [...skus.slice(index % 5), ...skus.slice(0, index % 5)].slice(0, 4);
        const items = (index % 2 === 0 ? rotated : rotated.toReversed()).map((sku) => ({
          sku,
          quantity: 1n,
        }));
        return buy(buyers[index % 10] ?? system.order, items);
      }),
    );

    expect(orders.map(({ state }) => state)).to.deep.equal(Array(60).fill(OrderState.CONFIRMED));
    const { stock } = await system.inventory.batchGetStock({ skus, view: StockView.AUDIT });
    for (const level of stock) {
      expect(level.reserved).to.equal(0n);
      expect(level.audit?.movementsSum).to.equal(level.onHand);
    }
    expect(stock.reduce((sum, { onHand }) => sum + onHand, 0n)).to.equal(5000n - 60n * 4n);
  });
});
