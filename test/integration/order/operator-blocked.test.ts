import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import type { OperatorAction, Order, SagaOrder } from '../../../pkg/order/domain.js';
import { readUnfinished } from '../../../pkg/order/metrics-queries.js';
import type { RemoteStep } from '../../../pkg/order/saga/plan.js';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { expectLegalTimeline, summarize } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery } from '../../support/order/replica.js';

const block = sql(
  'test.block_order',
  `update orders set state = 'CANCELLING', step = $step, failures = 3, driver = null, next_attempt_at = null,
     blocked_reason = 'REFUND_DECLINED', blocked_since = now() where id = $id`,
);
const addEntry = sql(
  'test.add_cancellation',
  `with changed as (update orders set revision = revision + 1 where id = $id returning id, revision)
   insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id,
     detail)
   select id, revision, 'CONFIRMED', 'CANCELLING', 'REQUEST_CANCELLATION', 'SUCCEEDED', 1, now(), '', '' from changed`,
);

const cancelledAnHourAgo = sql(
  'test.order_cancelled_an_hour_ago',
  `update order_timeline set occurred_at = now() - interval '1 hour' where order_id = $id`,
);

describe('an operator', () => {
  const fixture = useOrders(fastRecovery);
  let refundCalls: SagaOrder[] = [];

  beforeEach(() => {
    refundCalls = [];
    fixture.ports.faults.set('REFUND_PAYMENT', async (order) => {
      refundCalls.push(order);
      return undefined;
    });
  });

  const blockedAt = async (step: RemoteStep): Promise<SagaOrder> => {
    const { id } = await fixture.create();
    await fixture.database.db.transaction(async (tx) => {
      await tx.query(addEntry({ id }));
      await tx.query(block({ id, step }));
    });
    return (await fixture.orders.getOrder(id, '')) as SagaOrder;
  };
  const action = ({ id }: Order, overrides: Partial<OperatorAction> = {}): OperatorAction => ({
    orderId: id,
    actor: 'grace',
    reason: 'the bank confirmed the transfer',
    ...overrides,
  });
  const retry = (order: Order, overrides = {}) =>
    fixture.orders.operators.retryOrder(action(order, overrides));
  const resolve = (order: Order, overrides = {}) =>
    fixture.orders.operators.resolveOrder(action(order, overrides));
  const entryOf = async ({ id }: Order, step: string) =>
    (await fixture.orders.getTimeline(id, '')).find((entry) => entry.step === step);

  it('retries a blocked refund with a new key, and the compensation continues', async () => {
    const order = await blockedAt('REFUND_PAYMENT');

    const retried = await retry(order);

    expect(retried).to.deep.include({ state: 'CANCELLING', block: undefined, revision: order.revision + 1 });
    expect((await fixture.finishedTimeline(order.id)).slice(order.revision)).to.deep.equal([
      'RETRY_ORDER',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'CANCEL → CANCELLED',
    ]);
    expect(await entryOf(order, 'RETRY_ORDER')).to.deep.include({
      detail: 'the bank confirmed the transfer',
      actor: 'grace',
    });
    expect(refundCalls.map(({ refundId }) => refundId)).not.to.include(order.refundId);
  });

  const remaining: readonly (readonly [RemoteStep, readonly string[]])[] = [
    ['VOID_PAYMENT', ['RELEASE_STOCK', 'CANCEL → CANCELLED']],
    ['REFUND_PAYMENT', ['RELEASE_STOCK', 'CANCEL → CANCELLED']],
    ['RELEASE_STOCK', ['CANCEL → CANCELLED']],
  ];
  for (const [step, steps] of remaining)
    it(`resolves a blocked ${step}, and the compensation goes on`, async () => {
      const order = await blockedAt(step);

      expect(await resolve(order)).to.deep.include({ block: undefined });
      await fixture.untilTerminal(order.id);

      const timeline = await fixture.orders.getTimeline(order.id, '');
      expectLegalTimeline(timeline);
      expect(summarize(timeline).slice(order.revision)).to.deep.equal(['RESOLVE_ORDER', ...steps]);
      expect(await entryOf(order, 'RESOLVE_ORDER')).to.deep.include({
        detail: 'the bank confirmed the transfer',
        actor: 'grace',
      });
    });

  it('applies the resolution of a blocked refund at the payment service, and no replica refunds', async () => {
    const order = await blockedAt('REFUND_PAYMENT');

    await resolve(order);
    await fixture.untilTerminal(order.id);

    expect(fixture.ports.resolutions.applied).to.deep.equal([{ order, action: action(order) }]);
    expect(refundCalls).to.deep.equal([]);
  });

  it('applies a resolution at the payment service before the block ends, and keeps the block if this fails', async () => {
    const order = await blockedAt('VOID_PAYMENT');
    const { resolutions } = fixture.ports;
    let during: Order | undefined;
    resolutions.duringCall = async () => {
      during = await fixture.orders.getOrder(order.id, '');
      throw new AppError({ reason: 'ILLEGAL_TRANSITION', message: 'the gateway has captured the payment' });
    };

    await expectReason(resolve(order), 'ILLEGAL_TRANSITION');

    expect([during, await fixture.orders.getOrder(order.id, '')]).to.deep.equal([order, order]);
    resolutions.duringCall = async () => undefined;
    await resolve(order);
    expect(resolutions.applied).to.deep.equal([{ order, action: action(order) }]);
    await fixture.untilTerminal(order.id);
  });

  it('does not end a block that began while the resolution was applied', async () => {
    const order = await blockedAt('REFUND_PAYMENT');
    fixture.ports.resolutions.duringCall = async () => {
      await fixture.database.db.query(block({ id: order.id, step: 'REFUND_PAYMENT' }));
    };

    await expectReason(resolve(order), 'CONFLICT');

    expect((await fixture.orders.getOrder(order.id, '')).block).not.to.equal(undefined);
    fixture.ports.resolutions.duringCall = async () => undefined;
    await resolve(order);
    await fixture.untilTerminal(order.id);
  });

  it('may repeat a resolution, and no other operator may resolve the order afterwards', async () => {
    const order = await blockedAt('REFUND_PAYMENT');
    const concurrent = await Promise.all([resolve(order), resolve(order), resolve(order)]);
    for (const { id } of concurrent) expect(id).to.equal(order.id);

    for (const other of [{ actor: 'linus' }, { reason: 'another' }])
      await expectReason(resolve(order, other), 'ILLEGAL_TRANSITION');
    await fixture.untilTerminal(order.id);
    expect((await resolve(order)).state).to.equal('CANCELLED');
    const timeline = await fixture.orders.getTimeline(order.id, '');
    expect(timeline.filter(({ step }) => step === 'RESOLVE_ORDER')).to.have.lengthOf(1);
  });

  it('cannot retry a terminal order, nor resolve an order that is not blocked', async () => {
    const order = await fixture.create();
    const error = await expectReason(retry(order), 'ILLEGAL_TRANSITION');
    expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([order.id]);
    await expectReason(resolve(order), 'ILLEGAL_TRANSITION');
    expect(await fixture.orders.getOrder(order.id, '')).to.deep.equal(order);
  });

  it('waits for a connection no longer than the call', async () => {
    const order = await blockedAt('REFUND_PAYMENT');
    const options = callOptions();
    await fixture.orders.operators.resolveOrder(action(order), options);
    await fixture.untilTerminal(order.id);
    expect(fixture.replica.db.limits).to.include(options);
  });

  it('cannot act on an unknown order', async () => {
    const unknown = { ...(await fixture.create()), id: uuidv7() };
    await expectReason(retry(unknown), 'ORDER_NOT_FOUND');
    await expectReason(resolve(unknown), 'ORDER_NOT_FOUND');
  });

  it('retries an order that a live replica drives; the order ends with one effect of each step', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('COMMIT_STOCK', gate.beforeEffect());
    const { id } = await fixture.accept();
    await gate.reached;

    const retried = await fixture.orders.operators.retryOrder({
      orderId: id,
      actor: 'grace',
      reason: 'slow',
    });
    gate.open();

    expect(retried.state).to.equal('PENDING');
    const timeline = await fixture.finishedTimeline(id);
    expect(timeline).to.include('RETRY_ORDER');
    expect(timeline.at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('does not change the age of a cancellation by a retry', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('REFUND_PAYMENT', gate.beforeEffect());
    const { id } = await fixture.create();
    await fixture.cancel(id, fixture.orders, callOptions(1));
    await fixture.database.db.query(cancelledAnHourAgo({ id }));

    await retry({ id } as Order);

    const unfinished = await readUnfinished(fixture.database.db);
    expect(unfinished.map(({ oldestSeconds }) => Math.floor(oldestSeconds / 3600))).to.deep.equal([1]);
    gate.open();
    await fixture.untilTerminal(id);
  });

  it('cancels an order with an actor in the timeline', async () => {
    const { id } = await fixture.create();
    const cancellation = {
      requestId: uuidv7(),
      orderId: id,
      customerId: '',
      reason: 'fraud',
      actor: 'grace',
    };
    await fixture.orders.cancelOrder(cancellation, {});
    expect(await entryOf({ id } as Order, 'REQUEST_CANCELLATION')).to.include({
      detail: 'fraud',
      actor: 'grace',
    });
    const other = fixture.orders.cancelOrder({ ...cancellation, actor: 'linus' }, {});
    await expectReason(other, 'REQUEST_ID_REUSED');
  });
});
