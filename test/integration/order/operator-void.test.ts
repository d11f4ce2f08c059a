import { expect } from 'chai';
import { OrderState, SagaStep, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, PaymentView, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startSystem, type System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';

/** As after a rejected void of a payment service of another version. */
const blockVoid = sql(
  'test.block_void',
  `with blocked as (
     update orders set state = 'CANCELLING', step = 'VOID_PAYMENT', revision = revision + 1, driver = null,
       next_attempt_at = null, payment_action = null, payment_id = $paymentId, blocked_reason = 'VALIDATION_FAILED',
       blocked_since = now()
     where id = $id returning id, revision)
   insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id,
     detail)
   select id, revision, $from, 'CANCELLING', 'REQUEST_CANCELLATION', 'SUCCEEDED', 1, now(), '', '' from blocked`,
);
const readVoids = sql(
  'test.read_voids',
  `select actor, reason from payment_ledger where payment_id = $paymentId and kind = 'VOID'`,
);

const total = { currencyCode: 'USD', units: 4n, nanos: 0 };
const note = { actor: 'grace', reason: 'the bank released the money' };

describe('an operator who resolves a blocked void', () => {
  let system: System;

  before(async () => {
    system = await startSystem({ env: { PAYMENT_ACTION_DELAY: '1500ms' } });
    await system.stock({ sku: 'mug', quantity: 1000n });
  });
  after(() => system.close());

  /** The customer of a payment with pm_action_required acts after the delay. */
  const blocked = async (paymentMethod: string, paymentId?: string): Promise<Order> => {
    const items = [{ sku: 'mug', quantity: 1n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    const order = (await system.order.createOrder(request)).order as Order;
    const from = OrderState[order.state];
    const parameters = { id: order.orderId, from, paymentId: paymentId ?? order.paymentId };
    await system.databases.order.query(blockVoid(parameters));
    return orderOf(order);
  };
  const orderOf = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const paymentOf = async ({ paymentId }: Order): Promise<Payment> =>
    (await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT })).payment as Payment;
  const untilPayment = (order: Order, state: PaymentState): Promise<unknown> =>
    waitFor(async () => (await paymentOf(order)).state === state, `payment ${PaymentState[state]}`);
  const resolve = ({ orderId }: Order) => system.order.resolveOrder({ orderId, ...note });
  const untilCancelled = (order: Order): Promise<unknown> =>
    waitFor(async () => (await orderOf(order)).state === OrderState.CANCELLED, 'cancelled order');
  const expectUncharged = async (order: Order): Promise<void> => {
    const { paymentId } = order;
    const { state, audit } = await paymentOf(order);
    expect(state).to.equal(PaymentState.VOIDED);
    expect(audit?.capturedAmount?.units ?? 0n).to.equal(0n);
    expect(await system.databases.payment.query(readVoids({ paymentId }))).to.deep.equal([note]);
  };
  const capture = ({ paymentId }: Order) =>
    system.payment.capturePayment({ paymentId, amount: total, acceptedResults: [] });

  it('voids a payment whose customer must act, and a late capture is rejected', async () => {
    const order = await blocked('pm_action_required');
    expect(order).to.include({ step: SagaStep.VOID_PAYMENT, blockedReason: 'VALIDATION_FAILED' });
    expect((await paymentOf(order)).state).to.equal(PaymentState.ACTION_REQUIRED);

    await resolve(order);
    await untilCancelled(order);

    // The customer acts after the order has ended.
    await new Promise((done) => setTimeout(done, 2000));
    await expectReason(capture(order), 'ILLEGAL_TRANSITION');
    await expectUncharged(order);
    expect((await resolve(order)).order?.state).to.equal(OrderState.CANCELLED);
  });

  it('voids an authorized payment', async () => {
    const order = await blocked('pm_action_required');
    await untilPayment(order, PaymentState.AUTHORIZED);

    await resolve(order);
    await untilCancelled(order);

    await expectReason(capture(order), 'ILLEGAL_TRANSITION');
    await expectUncharged(order);
  });

  it('keeps an unknown payment from being authorized later', async () => {
    const order = await blocked('pm_action_required', uuidv7());
    const { orderId, paymentId } = order;

    await resolve(order);
    await untilCancelled(order);

    const late = { paymentId, orderId, amount: total, paymentMethod: 'pm_approve', acceptedResults: [] };
    await expectReason(system.payment.authorizePayment(late), 'PAYMENT_VOIDED');
    await expectUncharged(order);
  });

  it('is contradicted while captured money is left, and may resolve the order when all of it is returned', async () => {
    const order = await blocked('pm_approve');
    const { paymentId } = order;

    const error = await expectReason(resolve(order), 'ILLEGAL_TRANSITION');
    expect(error.metadata).to.include({ order_id: order.orderId, step: 'VOID_PAYMENT' });
    expect(await orderOf(order)).to.deep.equal(order);
    await system.payment.refundPayment({ requestId: uuidv7(), paymentId, amount: undefined });
    await resolve(order);

    await untilCancelled(order);
    expect((await paymentOf(order)).state).to.equal(PaymentState.REFUNDED);
  });
});
