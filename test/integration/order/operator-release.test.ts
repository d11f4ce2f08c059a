import { expect } from 'chai';
import { ReservationState, StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startSystem, type System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';

/** As after a rejected release of an inventory service of another version. */
const blockRelease = sql(
  'test.block_release',
  `with blocked as (
     update orders set state = 'CANCELLING', step = 'RELEASE_STOCK', revision = revision + 1, driver = null,
       next_attempt_at = null, reservation_id = $reservationId, blocked_reason = 'VALIDATION_FAILED', blocked_since = now()
     where id = $id returning id, revision)
   insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id,
     detail)
   select id, revision, 'CONFIRMED', 'CANCELLING', 'REQUEST_CANCELLATION', 'SUCCEEDED', 1, now(), '', '' from blocked`,
);
const rejectReleases = sql(
  'test.reject_releases',
  `create function reject_releases() returns trigger language plpgsql as '
   begin raise exception ''rejected by the test'' using errcode = ''57P01''; end '`,
);
const enableFault = sql(
  'test.enable_release_fault',
  `create trigger reject_releases before update on reservations
   for each row when (new.state = 'RETURNED') execute function reject_releases()`,
);
const disableFault = sql(
  'test.disable_release_fault',
  'drop trigger if exists reject_releases on reservations',
);

/** The other services must accept every actor that the order service accepts. */
const longestActor = '👩'.repeat(128);

describe('an operator who resolves a blocked release', () => {
  let system: System;

  before(async () => {
    system = await startSystem();
    await system.databases.inventory.query(rejectReleases());
  });
  after(() => system.close());

  const blocked = async (sku: string, reservationId?: string): Promise<Order> => {
    await system.stock({ sku, quantity: 10n });
    const items = [{ sku, quantity: 3n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod: 'pm_approve' };
    const order = (await system.order.createOrder(request)).order as Order;
    expect(order.state).to.equal(OrderState.CONFIRMED);
    const parameters = { id: order.orderId, reservationId: reservationId ?? order.reservationId };
    await system.databases.order.query(blockRelease(parameters));
    return orderOf(order);
  };
  const orderOf = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const resolve = ({ orderId }: Order) =>
    system.order.resolveOrder({ orderId, actor: longestActor, reason: 'the units were counted' });
  const untilCancelled = (order: Order): Promise<unknown> =>
    waitFor(async () => (await orderOf(order)).state === OrderState.CANCELLED, 'cancelled order');
  const stateOf = async ({ reservationId }: Order) =>
    (await system.inventory.getReservation({ reservationId })).reservation?.state;
  const onHand = async (sku: string) =>
    (await system.inventory.getStock({ sku, view: StockView.BASIC })).stock?.onHand;

  it('returns committed stock once, before the order ends', async () => {
    const order = await blocked('mug');
    expect(await stateOf(order)).to.equal(ReservationState.COMMITTED);

    await resolve(order);
    await untilCancelled(order);

    expect([await stateOf(order), await onHand('mug')]).to.deep.equal([ReservationState.RETURNED, 10n]);
    await system.inventory.releaseReservation(order);
    await resolve(order);
    expect(await onHand('mug')).to.equal(10n);
  });

  it('stores a tombstone for a reservation that the inventory service has lost', async () => {
    const order = await blocked('cup', uuidv7());

    await resolve(order);
    await untilCancelled(order);

    expect(await stateOf(order)).to.equal(ReservationState.RELEASED);
  });

  it('keeps the block while the inventory service does not release the reservation', async () => {
    const order = await blocked('pot');
    await system.databases.inventory.query(enableFault());

    await expectReason(resolve(order), 'DEPENDENCY_UNAVAILABLE');

    expect(await orderOf(order)).to.deep.equal(order);
    await system.databases.inventory.query(disableFault());
    await resolve(order);
    await untilCancelled(order);
    expect([await stateOf(order), await onHand('pot')]).to.deep.equal([ReservationState.RETURNED, 10n]);
  });
});
