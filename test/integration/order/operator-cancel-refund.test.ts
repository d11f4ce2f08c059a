import { expect } from 'chai';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentView, RefundState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startSystem, type System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';

const createFault = sql(
  'test.lose_refund_requests',
  `create function lose_refunds() returns trigger language plpgsql as '
   begin raise exception ''lost by the test'' using errcode = ''57P01''; end '`,
);
/** Loses every refund before it is stored, so that the gateway does not receive it. */
const loseRefunds = sql(
  'test.enable_lost_refunds',
  `create trigger lose_refunds before insert on refunds
   for each row when (new.state = 'PENDING') execute function lose_refunds()`,
);
const keepRefunds = sql('test.disable_lost_refunds', 'drop trigger if exists lose_refunds on refunds');
const keyOfRefund = sql(
  'test.key_of_order_refund',
  `select id from order_refunds where order_id = $orderId and state = 'PENDING'`,
);
const keyOfStep = sql('test.key_of_refund_step', 'select refund_id as id from orders where id = $orderId');
const block = sql(
  'test.block_cancelled_order',
  `with blocked as (
     update orders set state = 'CANCELLING', step = $step, blocked_reason = 'VALIDATION_FAILED', blocked_since = now(),
       revision = revision + 1
     where id = $orderId returning id, revision
   )
   insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id,
     detail)
   select id, revision, 'CONFIRMED', 'CANCELLING', 'REQUEST_CANCELLATION', 'SUCCEEDED', 1, now(), '', '' from blocked`,
);

const note = { actor: 'grace', reason: 'bank transfer 4711' };
const usd = (units: bigint) => ({ currencyCode: 'USD', units, nanos: 0 });

describe('an operator with the payment service and its gateway', () => {
  let system: System;

  before(async () => {
    system = await startSystem();
    await system.stock({ sku: 'mug', quantity: 100n });
    await system.databases.payment.query(createFault());
  });
  afterEach(() => system.databases.payment.query(keepRefunds()));
  after(() => system.close());

  const buy = async (): Promise<Order> => {
    const items = [{ sku: 'mug', quantity: 3n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod: 'pm_approve' };
    return (await system.order.createOrder(request)).order as Order;
  };
  const orderOf = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const paymentOf = async ({ paymentId }: Order): Promise<Payment> =>
    (await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT })).payment as Payment;
  const beginCancel = ({ orderId }: Order): Promise<unknown> => {
    const request = { requestId: uuidv7(), orderId, customerId: '', reason: 'fraud', actor: 'grace' };
    return system.order.cancelOrder(request, { timeoutMs: 1000 }).catch(() => undefined);
  };
  const blockAt = async ({ orderId }: Order, step: string): Promise<void> => {
    await system.databases.order.query(block({ orderId, step }));
  };
  const cancelRefund = async ({ paymentId }: Order, key: ReturnType<typeof keyOfStep>): Promise<void> => {
    const [row] = await system.databases.order.query<{ id: string }>(key);
    const { state } = await system.payment.cancelRefund({ requestId: row?.id ?? '', paymentId, ...note });
    expect(RefundState[state]).to.equal('CANCELLED');
  };
  const retry = ({ orderId }: Order) => system.order.retryOrder({ orderId, ...note });
  const resolve = ({ orderId }: Order) => system.order.resolveOrder({ orderId, ...note });
  const untilBlocked = (order: Order): Promise<Order> =>
    waitFor(async () => {
      const current = await orderOf(order);
      return current.blockedReason !== '' && current;
    }, 'blocked order');
  /** Waits until the order is cancelled, and returns the refunded amounts: in total, at the gateway, and outside it. */
  const refundedAtEnd = async (order: Order): Promise<(bigint | undefined)[]> => {
    await waitFor(async () => (await orderOf(order)).state === OrderState.CANCELLED, 'cancelled order');
    const { refundedAmount, audit, externallyRefundedAmount } = await paymentOf(order);
    return [refundedAmount, audit?.refundedAmount, externallyRefundedAmount].map((amount) => amount?.units);
  };

  it('cancels a partial refund that never reaches the gateway, and may refund again', async () => {
    const bought = await buy();
    const { orderId } = bought;
    const request = { requestId: uuidv7(), orderId, amount: usd(12n), ...note };
    await system.databases.payment.query(loseRefunds());
    await expectReason(system.order.refundOrder(request), 'PAYMENT_IN_DOUBT');

    await cancelRefund(bought, keyOfRefund({ orderId }));

    await waitFor(async () => !(await orderOf(bought)).refundPendingAmount, 'decided refund');
    await expectReason(system.order.refundOrder(request), 'REFUND_CANCELLED');
    await system.databases.payment.query(keepRefunds());
    const { order } = await system.order.refundOrder({ ...request, requestId: uuidv7() });
    expect(order?.refundedAmount).to.deep.equal(usd(12n));
    expect((await paymentOf(bought)).audit?.refundedAmount).to.deep.equal(usd(12n));
  });

  it('cancels the refund of a cancelled order, and the blocked order is retried or resolved', async () => {
    const orders = [await buy(), await buy()] as const;
    const [retried, resolved] = orders;
    await system.databases.payment.query(loseRefunds());
    await Promise.all(orders.map(beginCancel));

    for (const order of orders) await cancelRefund(order, keyOfStep({ orderId: order.orderId }));

    for (const order of orders)
      expect((await untilBlocked(order)).blockedReason).to.equal('REFUND_CANCELLED');
    await system.databases.payment.query(keepRefunds());
    await Promise.all([retry(retried), resolve(resolved)]);
    expect(await refundedAtEnd(retried)).to.deep.equal([12n, 12n, 0n]);
    expect(await refundedAtEnd(resolved)).to.deep.equal([12n, 0n, 12n]);
  });

  it('cannot resolve a void when the gateway has captured the payment, and a retry refunds it', async () => {
    const bought = await buy();
    await blockAt(bought, 'VOID_PAYMENT');

    await expectReason(resolve(bought), 'ILLEGAL_TRANSITION');

    expect((await orderOf(bought)).blockedReason).to.equal('VALIDATION_FAILED');
    await retry(bought);
    expect(await refundedAtEnd(bought)).to.deep.equal([12n, 12n, 0n]);
  });

  it('cannot resolve a refund that the gateway has made, and a retry ends the cancellation', async () => {
    const bought = await buy();
    const { paymentId, orderId } = bought;
    const [row] = await system.databases.order.query<{ id: string }>(keyOfStep({ orderId }));
    const requestId = row?.id ?? '';
    await blockAt(bought, 'REFUND_PAYMENT');
    await system.payment.refundPayment({ requestId, paymentId });

    await expectReason(resolve(bought), 'ILLEGAL_TRANSITION');

    await retry(bought);
    expect(await refundedAtEnd(bought)).to.deep.equal([12n, 12n, 0n]);
  });

  it('rejects a late attempt of a refund that was resolved', async () => {
    const bought = await buy();
    const { paymentId, orderId } = bought;
    const [row] = await system.databases.order.query<{ id: string }>(keyOfStep({ orderId }));
    const requestId = row?.id ?? '';
    await blockAt(bought, 'REFUND_PAYMENT');

    await resolve(bought);

    await expectReason(system.payment.refundPayment({ requestId, paymentId }), 'REFUND_CANCELLED');
    expect(await refundedAtEnd(bought)).to.deep.equal([12n, 0n, 12n]);
  });
});
