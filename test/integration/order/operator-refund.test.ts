import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { money } from '../../../pkg/money/index.js';
import type { Order, RefundOrder } from '../../../pkg/order/domain.js';
import type { RefundFault } from '../../../pkg/order/testing/fake-refunds.js';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { expectLegalTimeline, summarize } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery } from '../../support/order/replica.js';
import { waitFor } from '../../support/wait-for.js';

const countRefunds = sql('test.count_order_refunds', 'select count(*)::int as refunds from order_refunds');
const statesOf = sql(
  'test.order_refund_states',
  'select state from order_refunds where order_id = $orderId order by created_at, id',
);

const endLeases = sql(
  'test.end_refund_leases',
  `update order_refunds set next_attempt_at = now() where state = 'PENDING'`,
);

const inDoubt = new AppError({ reason: 'DEADLINE_EXCEEDED', message: 'no answer' });
const losesRequest: RefundFault = async () => {
  throw inDoubt;
};
const losesAnswer: RefundFault = async (effect) => {
  effect();
  throw inDoubt;
};

describe('RefundOrder', () => {
  const fixture = useOrders({ ...fastRecovery, SAGA_STEP_TIMEOUT: '1s' });

  const refunding = ({ id }: Order, overrides: Partial<RefundOrder> = {}): RefundOrder => ({
    requestId: uuidv7(),
    orderId: id,
    amount: money('USD', 200n),
    actor: 'grace',
    reason: 'one cup was broken',
    ...overrides,
  });
  const refund = (request: RefundOrder, options = callOptions()): Promise<Order> =>
    fixture.orders.operators.refundOrder(request, options);
  const refundEntriesOf = async ({ id }: Order) =>
    (await fixture.orders.getTimeline(id, '')).filter(({ step }) => step === 'REFUND_ORDER');
  const refundStates = async ({ id }: Order): Promise<string[]> => {
    const rows = await fixture.database.db.query<{ state: string }>(statesOf({ orderId: id }));
    return rows.map(({ state }) => state);
  };
  const untilFinished = (order: Order): Promise<unknown> =>
    waitFor(async () => !(await refundStates(order)).includes('PENDING'), 'finished refund');

  it('returns a part of the money, with actor and reason in the timeline', async () => {
    const order = await fixture.create();

    const refunded = await refund(refunding(order));

    expect(refunded).to.deep.include({
      state: 'CONFIRMED',
      refunded: money('USD', 200n),
      revision: order.revision + 1,
    });
    const timeline = await fixture.orders.getTimeline(order.id, '');
    expectLegalTimeline(timeline);
    expect(timeline.at(-1)).to.deep.include({
      from: 'CONFIRMED',
      to: 'CONFIRMED',
      step: 'REFUND_ORDER',
      outcome: 'SUCCEEDED',
      attempt: 1,
      detail: '2.00 USD: one cup was broken',
      actor: 'grace',
    });
    expect(fixture.ports.refunds.refundedOf(order.id)).to.equal(200n);
  });

  it('sends the payment service a secret key, the actor and the reason', async () => {
    const order = await fixture.create();
    const request = refunding(order);
    await refund(request);

    const [call] = fixture.ports.refunds.calls;
    expect(call).to.deep.include({ paymentId: order.paymentId, actor: 'grace', reason: request.reason });
    expect([request.requestId, order.id, order.paymentId]).not.to.include(call?.id);
  });

  it('answers concurrent and later repetitions with the order, and refunds once', async () => {
    const order = await fixture.create();
    const request = refunding(order);

    const concurrent = await Promise.all(Array.from({ length: 8 }, () => refund(request)));
    const later = await refund(request);

    for (const answer of concurrent) expect(answer).to.deep.equal(later);
    expect(later.refunded.minor).to.equal(200n);
    expect(await refundEntriesOf(order)).to.have.lengthOf(1);
    expect(fixture.ports.refunds.refundedOf(order.id)).to.equal(200n);
  });

  for (const change of [{ amount: money('USD', 201n) }, { actor: 'linus' }, { reason: 'another' }])
    it(`rejects a used request id with another ${Object.keys(change).join()}`, async () => {
      const order = await fixture.create();
      const request = refunding(order);
      await refund(request);
      await expectReason(refund({ ...request, ...change }), 'REQUEST_ID_REUSED');
    });

  it('accepts the request id of another order', async () => {
    const [first, second] = [await fixture.create(), await fixture.create()];
    const request = refunding(first);
    await refund(request);
    const refunded = await refund({ ...request, orderId: second.id });
    expect(refunded).to.deep.include({ id: second.id, refunded: money('USD', 200n) });
  });

  it('refunds up to the total, and rejects more for good', async () => {
    const order = await fixture.create();
    await refund(refunding(order, { amount: money('USD', 500n) }));
    const tooMuch = refunding(order, { amount: money('USD', 201n) });

    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const error = await expectReason(refund(tooMuch), 'REFUND_EXCEEDS_CAPTURE');
      expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([order.id]);
    }
    const refunded = await refund(refunding(order, { amount: money('USD', 200n) }));
    expect(refunded.refunded).to.deep.equal(order.total);
  });

  it('rejects an unknown order, another currency and an order that is not CONFIRMED, and stores nothing', async () => {
    const order = await fixture.create();
    const { id } = await fixture.create();
    const cancelled = await fixture.cancel(id);
    const [before] = await fixture.database.db.query(countRefunds());

    await expectReason(refund(refunding({ ...order, id: uuidv7() })), 'ORDER_NOT_FOUND');
    await expectReason(refund(refunding(order, { amount: money('EUR', 1n) })), 'CURRENCY_MISMATCH');
    await expectReason(refund(refunding(cancelled)), 'ILLEGAL_TRANSITION');
    expect(await fixture.database.db.query(countRefunds())).to.deep.equal([before]);
    expect(fixture.ports.refunds.calls).to.deep.equal([]);
  });

  it('stores a refund that the gateway declines, and releases its amount', async () => {
    fixture.ports.refunds.faults.push(async () => ({ state: 'REFUSED', refusal: 'REFUND_DECLINED' }));
    const order = await fixture.create();
    const declined = refunding(order, { amount: order.total });

    for (let attempt = 1; attempt <= 2; attempt += 1) await expectReason(refund(declined), 'REFUND_DECLINED');

    expect(fixture.ports.refunds.calls).to.have.lengthOf(1);
    expect((await fixture.orders.getOrder(order.id, '')).refunded.minor).to.equal(0n);
    expect(await refundEntriesOf(order)).to.have.lengthOf(1);
    expect((await refundEntriesOf(order))[0]).to.deep.include({
      outcome: 'REFUSED',
      detail: 'REFUND_DECLINED, 7.00 USD: one cup was broken',
      actor: 'grace',
    });
    expect((await refund(refunding(order, { amount: order.total }))).refunded).to.deep.equal(order.total);
  });

  it('stores a refund that an operator cancels while it is in doubt, and releases its amount', async () => {
    const order = await fixture.create();
    const cancelled: RefundFault = async () => ({ state: 'REFUSED', refusal: 'REFUND_CANCELLED' });
    fixture.ports.refunds.faults.push(losesRequest, cancelled);
    const request = refunding(order, { amount: order.total });

    await expectReason(refund(request), 'PAYMENT_IN_DOUBT');
    await untilFinished(order);

    await expectReason(refund(request), 'REFUND_CANCELLED');
    expect((await refundEntriesOf(order))[0]).to.deep.include({
      outcome: 'REFUSED',
      detail: 'REFUND_CANCELLED, 7.00 USD: one cup was broken',
    });
    expect((await refund(refunding(order, { amount: order.total }))).refunded).to.deep.equal(order.total);
  });

  const doubts: Record<string, RefundFault[]> = {
    'a request is lost': [losesRequest, losesRequest],
    'an answer is lost after the refund': [losesAnswer],
    'the payment service answers with an error that another version may compute differently': [
      async () => {
        throw new AppError({ reason: 'REQUEST_ID_REUSED', message: 'used' });
      },
    ],
  };
  for (const [title, faults] of Object.entries(doubts))
    it(`answers PAYMENT_IN_DOUBT when ${title}, and finishes the refund in the background`, async () => {
      const order = await fixture.create();
      fixture.ports.refunds.faults.push(...faults);
      const request = refunding(order);

      const error = await expectReason(refund(request), 'PAYMENT_IN_DOUBT');
      expect(error.retryAfterMs).to.be.greaterThan(0);
      await untilFinished(order);

      expect((await refund(request)).refunded.minor).to.equal(200n);
      const [entry] = await refundEntriesOf(order);
      expect(entry).to.include({ outcome: 'SUCCEEDED', attempt: faults.length + 1 });
      expect(await refundEntriesOf(order)).to.have.lengthOf(1);
      expect(fixture.ports.refunds.refundedOf(order.id)).to.equal(200n);
    });

  it('finishes a pending refund when the caller repeats the request', async () => {
    const order = await fixture.create();
    fixture.ports.refunds.faults.push(losesAnswer);
    const request = refunding(order);
    await expectReason(refund(request), 'PAYMENT_IN_DOUBT');
    expect((await refund(request)).refunded.minor).to.equal(200n);
  });

  it('decides nothing about an amount that depends on a pending refund', async () => {
    const order = await fixture.create();
    const gate = new Gate();
    fixture.ports.refunds.faults.push(async () => {
      await gate.opened();
      return { state: 'REFUSED', refusal: 'REFUND_DECLINED' };
    });
    const pending = refund(refunding(order, { amount: money('USD', 500n) }));
    await gate.reached;
    const rest = refunding(order, { amount: money('USD', 300n) });

    await expectReason(refund(rest), 'PAYMENT_IN_DOUBT');
    expect(await refundStates(order)).to.deep.equal(['PENDING']);
    expect((await refund(refunding(order))).refunded.minor, 'amount within the rest').to.equal(200n);
    gate.open();
    await expectReason(pending, 'REFUND_DECLINED');

    expect((await refund(rest)).refunded.minor).to.equal(500n);
  });

  it('records a refund that ends while the order is cancelled, and the cancellation goes on', async () => {
    const order = await fixture.create();
    fixture.ports.refunds.faults.push(losesRequest);
    await expectReason(refund(refunding(order)), 'PAYMENT_IN_DOUBT');
    // The payment service does not refund the rest while another refund is pending.
    fixture.ports.faults.set('REFUND_PAYMENT', async () => {
      if ((await refundStates(order)).includes('PENDING')) throw inDoubt;
      return undefined;
    });

    const cancelling = fixture.cancel(order.id);
    await untilFinished(order);
    await cancelling;

    const timeline = await fixture.finishedTimeline(order.id);
    expect(timeline).to.include('REFUND_ORDER #2');
    expect(timeline.at(-1)).to.equal('CANCEL → CANCELLED');
    expect((await fixture.orders.getOrder(order.id, '')).refunded.minor).to.equal(200n);
  });

  it('records a refund that ends after the order is CANCELLED', async () => {
    const order = await fixture.create();
    const gate = new Gate();
    fixture.ports.refunds.faults.push(async () => {
      await gate.opened();
      return { state: 'REFUSED', refusal: 'REFUND_EXCEEDS_CAPTURE' };
    });
    const request = refunding(order);
    const pending = refund(request);
    await gate.reached;
    expect((await fixture.cancel(order.id)).state).to.equal('CANCELLED');
    gate.open();

    await expectReason(pending, 'REFUND_EXCEEDS_CAPTURE');

    await expectReason(refund(request), 'REFUND_EXCEEDS_CAPTURE');
    expect((await fixture.finishedTimeline(order.id)).at(-1)).to.equal('REFUND_ORDER refused');
    expect((await fixture.orders.getOrder(order.id, '')).refunded.minor).to.equal(0n);
  });

  it('finishes the refund of a frozen replica after its lease, and the replica then has no second effect', async () => {
    const order = await fixture.create();
    const gate = new Gate();
    fixture.ports.refunds.faults.push(async () => {
      await gate.opened();
      return undefined;
    });
    const request = refunding(order);
    const frozen = refund(request);
    await gate.reached;
    await fixture.database.db.query(endLeases());

    await untilFinished(order);
    gate.open();

    expect((await frozen).refunded.minor).to.equal(200n);
    expect(await refundEntriesOf(order)).to.have.lengthOf(1);
    expect(fixture.ports.refunds.refundedOf(order.id)).to.equal(200n);
    expect((await fixture.orders.getOrder(order.id, '')).refundPending.minor).to.equal(0n);
  });

  it('finishes the refund of a replica that is gone, once, with several replicas', async () => {
    await Promise.all([fixture.start(), fixture.start()]);
    const order = await fixture.create();
    fixture.ports.refunds.faults.push(losesAnswer);
    await refund(refunding(order)).catch(() => undefined);
    await untilFinished(order);

    const entries = summarize(await refundEntriesOf(order));
    expect(entries).to.deep.equal(['REFUND_ORDER #2']);
  });
});
