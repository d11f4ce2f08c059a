import { expect } from 'chai';
import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentResult } from '../../../pkg/pb/payment/v1/payment.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';
import { expectReason } from '../../support/expect-reason.js';
import { audit, cancel, clean, execute, place, placeEachOutcome, resultOf } from './run.js';

interface Corruption {
  readonly title: string;
  /** Changes stored data, and returns a text of each expected violation. */
  corrupt(system: System, orders: { confirmed: Order; rejected: Order }): Promise<readonly string[]>;
}

const aReservation = () => ({
  reservationId: uuidv7(),
  items: [{ sku: 'espresso', quantity: 2n }],
  ttl: undefined,
});

const corruptions: Readonly<Record<number, readonly Corruption[]>> = {
  1: [
    {
      title: 'on_hand was changed without a movement',
      async corrupt({ databases }) {
        await execute(databases.inventory, `update stock set on_hand = on_hand + 1 where sku = 'espresso'`);
        return ['espresso: on_hand 998 differs from movements 997'];
      },
    },
    {
      title: 'stock is reserved for no order',
      async corrupt({ inventory }) {
        const request = aReservation();
        await inventory.reserveStock(request);
        return [
          `reservation ${request.reservationId} (RESERVED) of 2 espresso: no order has this reservation`,
        ];
      },
    },
  ],
  2: [
    {
      title: 'the reservation of a confirmed order was returned',
      async corrupt({ databases }, { confirmed }) {
        const { reservationId, orderId } = confirmed;
        await execute(
          databases.inventory,
          `update reservations set state = 'RETURNED' where id = '${reservationId}'`,
        );
        return [`order ${orderId} (CONFIRMED): the order is CONFIRMED, but its reservation is RETURNED`];
      },
    },
    {
      title: 'a reservation has another quantity than its order',
      async corrupt({ databases }, { confirmed: { reservationId, orderId } }) {
        const change = `update reservation_lines set quantity = 7 where reservation_id = '${reservationId}'`;
        await execute(databases.inventory, change);
        const violation = 'the order has 1 espresso, but its reservation has committed 7 espresso';
        return [`order ${orderId} (CONFIRMED): ${violation}`];
      },
    },
    {
      title: 'stock was committed for no order',
      async corrupt({ inventory }) {
        const request = aReservation();
        await inventory.reserveStock(request);
        await inventory.commitReservation(request);
        return [
          `reservation ${request.reservationId} (COMMITTED) of 2 espresso: no order has this reservation`,
        ];
      },
    },
  ],
  3: [
    {
      title: 'the payment of a confirmed order was refunded',
      async corrupt({ payment }, { confirmed: { paymentId, orderId } }) {
        await payment.refundPayment({ requestId: uuidv7(), paymentId, amount: undefined });
        return [`order ${orderId} (CONFIRMED): total 4.00 USD, but paid 0 minor units`];
      },
    },
    {
      title: 'an order has two live payments',
      async corrupt({ payment, databases }, { confirmed: { orderId } }) {
        const request = { paymentId: uuidv7(), orderId: uuidv7(), paymentMethod: 'pm_approve' };
        const amount = { currencyCode: 'USD', units: 1n, nanos: 0 };
        await payment.authorizePayment({ ...request, amount, acceptedResults: [] });
        await execute(
          databases.payment,
          'drop index payments_live_order_with_intents',
          `update payments set order_id = '${orderId}' where id = '${request.paymentId}'`,
        );
        return [`order ${orderId} (CONFIRMED): 2 live payments`];
      },
    },
    {
      title: 'the customer of a rejected order can still pay',
      async corrupt({ payment }, { rejected: { orderId } }) {
        const request = { paymentId: uuidv7(), orderId, paymentMethod: 'pm_action_expires' };
        const amount = { currencyCode: 'USD', units: 4n, nanos: 0 };
        await payment.authorizePayment({
          ...request,
          amount,
          acceptedResults: [PaymentResult.ACTION_REQUIRED],
        });
        return [`order ${orderId} (REJECTED): open payments: ACTION_REQUIRED`];
      },
    },
  ],
  4: [
    {
      title: 'more was refunded than captured',
      async corrupt({ databases }, { confirmed: { paymentId } }) {
        await withoutChecks(databases.payment, 'payments');
        const change = `update payments set refunded_minor = 401 where id = '${paymentId}'`;
        await execute(databases.payment, change);
        return [`payment ${paymentId} (CAPTURED): refunded 401 exceeds captured 400`];
      },
    },
  ],
  5: [
    {
      title: 'a rejected order became confirmed',
      async corrupt({ databases }, { rejected: { orderId, revision } }) {
        await execute(
          databases.order,
          `insert into order_timeline
             (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id, detail)
           values ('${orderId}', ${revision + 1}, 'REJECTED', 'CONFIRMED', 'CONFIRM', 'SUCCEEDED', 1, now(), '', '')`,
          `update orders set state = 'CONFIRMED', revision = revision + 1 where id = '${orderId}'`,
        );
        return [
          `order ${orderId}, revision ${revision + 1}: the terminal state REJECTED changed to CONFIRMED`,
        ];
      },
    },
  ],
  6: [
    {
      title: 'an order has been PENDING for an hour',
      async corrupt({ databases }, { confirmed: { orderId } }) {
        await execute(
          databases.order,
          `create function ignore_change() returns trigger language plpgsql as 'begin return null; end'`,
          `update orders set state = 'PENDING', created_at = '2026-01-01T00:00:00Z' where id = '${orderId}'`,
          // No replica can claim or finish the order.
          `create trigger ignore_change before update on orders for each row execute function ignore_change()`,
        );
        return [`order ${orderId} (PENDING): unfinished since 2026-01-01T00:00:00.000Z`];
      },
    },
    {
      title: 'an order waits for a payment of which the gateway has no request',
      async corrupt({ databases }, { confirmed: { orderId, paymentId } }) {
        await withoutChecks(databases.payment, 'payments');
        await execute(
          databases.payment,
          `update payments set state = 'PENDING', authorized_minor = 0, captured_minor = 0, gateway_reference = null,
             requested_at = now(), intent_retry_at = now() + interval '1 day' where id = '${paymentId}'`,
        );
        await execute(
          databases.order,
          `create function ignore_change() returns trigger language plpgsql as 'begin return null; end'`,
          `update orders set state = 'PENDING', created_at = '2026-01-01T00:00:00Z' where id = '${orderId}'`,
          `update order_timeline set occurred_at = '2026-01-01T00:00:00Z' where order_id = '${orderId}'`,
          `create trigger ignore_change before update on orders for each row execute function ignore_change()`,
        );
        return [`order ${orderId} (PENDING): unfinished since 2026-01-01T00:00:00.000Z`];
      },
    },
  ],
  7: [
    {
      title: 'a timeline has a gap',
      async corrupt({ databases }, { rejected: { orderId, revision } }) {
        await execute(
          databases.order,
          `update order_timeline set revision = ${revision + 1} where order_id = '${orderId}' and revision = ${revision}`,
        );
        return [`order ${orderId}, revision ${revision + 1}: the revision should be ${revision}`];
      },
    },
    {
      title: 'a rejected order has another step',
      async corrupt({ databases }, { rejected: { orderId, revision } }) {
        await execute(
          databases.order,
          `insert into order_timeline
             (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id, detail)
           values ('${orderId}', ${revision + 1}, 'REJECTED', 'REJECTED', 'RETRY_ORDER', 'SUCCEEDED', 1, now(), '', '')`,
          `update orders set revision = revision + 1 where id = '${orderId}'`,
        );
        return [`order ${orderId}, revision ${revision + 1}: REJECTED → REJECTED is not a legal transition`];
      },
    },
    {
      title: 'a timeline has an illegal transition',
      async corrupt({ databases }, { confirmed: { orderId, revision } }) {
        await execute(
          databases.order,
          `update order_timeline set to_state = 'CANCELLED' where order_id = '${orderId}' and revision = ${revision}`,
        );
        return [
          `order ${orderId}, revision ${revision}: PENDING → CANCELLED is not a legal transition`,
          `order ${orderId}: the order is CONFIRMED, but its timeline ends in another state`,
        ];
      },
    },
  ],
  8: [
    {
      title: 'the gateway charged twice',
      async corrupt({ databases }, { confirmed: { paymentId } }) {
        await execute(
          databases.payment,
          `insert into gateway_ledger (charge_key, kind, amount_minor) values ('${paymentId}', 'CAPTURE', 400)`,
        );
        return [`payment ${paymentId} (CAPTURED): the gateway captured 2 times`];
      },
    },
    {
      title: 'the gateway has a charge without a payment',
      async corrupt({ databases }, { confirmed: { paymentId } }) {
        await execute(databases.payment, `delete from payments where id = '${paymentId}'`);
        const list = 'AUTHORIZE 4.00 USD, CAPTURE 4.00 USD';
        return [
          `gateway transactions of payment ${paymentId} (${list}): the payment service has no such payment`,
        ];
      },
    },
  ],
  9: [
    {
      title: 'two orders of a customer have the same request id',
      async corrupt(system, { confirmed: { orderId, requestId, customerId } }) {
        const second = await place(system);
        await withoutChecks(system.databases.order, 'orders');
        await execute(
          system.databases.order,
          `update orders set request_id = '${requestId}' where id = '${second.orderId}'`,
        );
        expect(second.orderId).not.to.equal(orderId);
        return [`customer ${customerId}, request_id ${requestId}: 2 orders have it`];
      },
    },
    {
      title: 'two orders have the same payment',
      async corrupt(system, { confirmed: { paymentId } }) {
        const second = await place(system);
        const change = `update orders set payment_id = '${paymentId}' where id = '${second.orderId}'`;
        await execute(system.databases.order, change);
        return [`payment_id ${paymentId}: 2 orders have it`];
      },
    },
  ],
};

const releaseCaptured = (paymentId: string, expired: boolean): string =>
  `update payments set state = 'VOIDED', expired = ${expired}, captured_minor = 0, refunded_minor = 0
   where id = '${paymentId}'`;

describe('a payment that is released here and captured at the gateway', () => {
  let system: System;
  beforeEach(async () => {
    system = await startSystem();
    await system.stock({ sku: 'espresso', quantity: 999n });
  });
  afterEach(() => system.close());

  for (const expired of [false, true])
    it(`is reported with its ids until an operator's void records the capture: expired ${expired}`, async () => {
      const order = await place(system);
      await cancel(system, order);
      const { paymentId, orderId } = order;
      await execute(system.databases.payment, releaseCaptured(paymentId, expired));

      for (const reconcile of [false, true]) {
        const report = await audit(system, { reconcile });
        const found = report.invariants.flatMap(({ violations }) => violations);
        const state = expired ? 'EXPIRED' : 'VOIDED';
        const capture = found.find(({ violation }) => violation.endsWith('the gateway captured 1 times'));
        expect(capture?.violation).to.contain(`payment ${paymentId} (${state})`);
        expect(capture?.ids).to.deep.equal({ payment_id: paymentId, order_id: orderId });
        expect(capture?.nextStep).to.contain('VoidPayment').and.to.contain(paymentId);
      }

      const request = { paymentId, actor: 'grace', reason: 'restored' };
      await expectReason(system.payment.voidPayment(request), 'ILLEGAL_TRANSITION');
      for (const reconcile of [false, true])
        expect(resultOf(await audit(system, { reconcile }))).to.deep.equal(clean);
    });
});

/** Drops the constraints of a table, except its primary key. */
function withoutChecks(db: Parameters<typeof execute>[0], table: string): Promise<void> {
  return execute(
    db,
    `do $$ declare name text; begin
       for name in select conname from pg_constraint where conrelid = '${table}'::regclass and contype in ('c', 'u')
       loop execute format('alter table ${table} drop constraint %I', name); end loop;
     end $$`,
  );
}

for (const [invariant, cases] of Object.entries(corruptions))
  describe(`the audit of invariant ${invariant}`, () => {
    let system: System;
    beforeEach(async () => {
      system = await startSystem();
    });
    afterEach(() => system.close());

    for (const { title, corrupt } of cases)
      it(`reports that ${title}`, async () => {
        await system.stock({ sku: 'espresso', quantity: 999n });
        const orders = await placeEachOutcome(system);
        const expected = await corrupt(system, orders);
        const { violations, exitCode } = resultOf(await audit(system));
        expect(violations).to.include.members(expected.map((violation) => `${invariant} ${violation}`));
        expect(exitCode).to.equal(1);
      });
  });
