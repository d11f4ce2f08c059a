import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import type { PaymentAction } from '../../../pkg/order/domain.js';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { lifetimeOf } from '../../../pkg/order/testing/fake-ports.js';
import { Gate, inSequence, refusing, times, waitingFor } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery, type Replica } from '../../support/order/replica.js';
import { waitFor } from '../../support/wait-for.js';

const makeDue = sql(
  'test.order_make_due',
  'update orders set next_attempt_at = now() where next_attempt_at is not null',
);
const waitForTenMinutes = sql(
  'test.order_wait_for_ten_minutes',
  `update orders set next_attempt_at = now(), payment_action =
     payment_action || jsonb_build_object('since', now() - interval '10 minutes')
   where payment_action is not null`,
);
/** One statement, because an order that is due for a moment may be claimed. */
const pollLater = sql(
  'test.order_poll_later',
  `update orders set next_attempt_at = now() + interval '30 seconds', payment_action =
     payment_action || jsonb_build_object('since', now() - interval '10 minutes')
   where payment_action is not null`,
);
const readPolls = sql(
  'test.order_polls',
  `select extract(epoch from next_attempt_at - now())::float8 as due_in from orders
   where id = any($ids::uuid[]) and driver is null and next_attempt_at > now()`,
);
const readWaited = sql(
  'test.order_waited',
  `select extract(epoch from now() - (payment_action ->> 'since')::timestamptz)::float8 as waited from orders
   where id = $id`,
);
const readDelay = sql(
  'test.order_delay',
  `select driver, round(extract(epoch from next_attempt_at - updated_at) * 1000)::int as delay_ms from orders
   where id = $id`,
);

const waitingTimeline = ['ACCEPT → PENDING', 'RESERVE_STOCK', 'AUTHORIZE_PAYMENT in doubt'];

describe('an order whose customer must act', () => {
  const fixture = useOrders(fastRecovery);
  const dueIn = (ms: number): PaymentAction => ({
    url: 'https://bank.example/3ds',
    dueAt: new Date(Date.now() + ms),
  });

  it('is returned PENDING at once, with the action, to the first and to repeated requests', async () => {
    const action = dueIn(600_000);
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(action));
    const request = anOrderRequest();

    const order = await fixture.orders.createOrder(request, callOptions());
    const repeated = await fixture.orders.createOrder(request, callOptions());

    for (const answer of [order, repeated])
      expect(answer).to.deep.include({ id: order.id, state: 'PENDING', paymentAction: action });
    await fixture.cancel(order.id);
  });

  it('is returned to a caller that waits on another replica', async () => {
    const action = dueIn(600_000);
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect(waitingFor(action)));
    const other = await fixture.start();
    const request = anOrderRequest();
    const first = fixture.orders.createOrder(request, callOptions());
    await gate.reached;
    const repeated = other.orders.createOrder(request, callOptions());
    gate.open();

    for (const answer of await Promise.all([first, repeated]))
      expect(answer).to.deep.include({ state: 'PENDING', paymentAction: action });
    await fixture.cancel((await first).id);
  });

  it('has no driver and is polled after two seconds, or at the due time', async () => {
    const delays: [dueMs: number, minMs: number, maxMs: number][] = [
      [600_000, 1900, 2500],
      [500, 300, 600],
    ];
    for (const [dueMs, minMs, maxMs] of delays) {
      fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(dueMs)));
      const { id } = await fixture.create();
      const [row] = await fixture.database.db.query<{ driver: null; delay_ms: number }>(readDelay({ id }));
      expect(row?.driver).to.equal(null);
      expect(row?.delay_ms).to.be.within(minMs, maxMs);
      await fixture.cancel(id);
    }
  });

  it('is polled every half minute when it has waited for minutes, also after a restart', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    const orders = await Promise.all(Array.from({ length: 60 }, () => fixture.create()));
    const ids = orders.map(({ id }) => id);
    await fixture.replica.close();
    await fixture.database.db.query(waitForTenMinutes());
    fixture.ports.calls.length = 0;

    const restarted = await fixture.start();
    const polls = await waitFor(async () => {
      const rows = await fixture.database.db.query<{ due_in: number }>(readPolls({ ids }));
      return rows.length === ids.length ? rows.map((row) => row.due_in) : undefined;
    }, 'poll of every order');
    await fixture.claimRound([restarted]);
    const again = await fixture.start();
    await fixture.claimRound([restarted, again]);

    expect(fixture.ports.calls.map(({ orderId }) => orderId)).to.have.members(ids);
    expect(Math.min(...polls)).to.be.within(25, 33);
    expect(Math.max(...polls)).to.be.within(30, 36);
    for (const id of ids) await fixture.cancel(id, again.orders);
  });

  it('is polled at once after RetryOrder', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', times(1, waitingFor(dueIn(600_000))));
    const { id } = await fixture.create();
    await fixture.database.db.query(pollLater());

    await fixture.orders.operators.retryOrder({ orderId: id, actor: 'support', reason: 'has paid' });

    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('is confirmed after the customer has acted, without an action', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', times(2, waitingFor(dueIn(600_000))));
    const { id } = await fixture.create();

    const poll = setInterval(() => void fixture.database.db.query(makeDue()), 20);
    const timeline = await fixture.finishedTimeline(id).finally(() => clearInterval(poll));

    expect(timeline).to.deep.equal([
      ...waitingTimeline,
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
      'CONFIRM → CONFIRMED',
    ]);
    expect(await fixture.orders.getOrder(id, '')).to.deep.include({ paymentAction: undefined });
  });

  it('is fully compensated and REJECTED after the due time', async () => {
    const expired = refusing({ reason: 'PAYMENT_ACTION_EXPIRED' });
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', inSequence(waitingFor(dueIn(100)), expired));

    const { id } = await fixture.create();

    expect(await fixture.finishedTimeline(id)).to.deep.equal([
      ...waitingTimeline,
      'AUTHORIZE_PAYMENT refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
    expect(await fixture.orders.getOrder(id, '')).to.deep.include({
      rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
      paymentAction: undefined,
    });
  });

  it('is fully compensated and REJECTED when the payment still waits long after the due time', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(-31_000)));

    const order = await fixture.create();

    expect(order).to.deep.include({
      state: 'REJECTED',
      rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
      paymentAction: undefined,
    });
    expect((await fixture.finishedTimeline(order.id)).slice(2)).to.deep.equal([
      'AUTHORIZE_PAYMENT refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('is due before its reservation expires, and REJECTED then', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    const lifetime = lifetimeOf(1000);
    fixture.ports.lifetime = async () => lifetime;

    const { id, paymentAction } = await fixture.create();

    expect(paymentAction?.dueAt).to.deep.equal(new Date(lifetime.expiresAt.getTime() - 100));
    fixture.ports.lifetime = () => Promise.reject(new Error('is read once'));
    expect(await fixture.finishedTimeline(id)).to.deep.equal([
      ...waitingTimeline,
      'AUTHORIZE_PAYMENT refused',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
    expect(await fixture.orders.getOrder(id, '')).to.deep.include({
      rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
    });
    expect(Date.now()).to.be.at.least(paymentAction?.dueAt.getTime() ?? Infinity);
  });

  it('is REJECTED at once when its reservation holds no stock any more', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    fixture.ports.lifetime = async () => undefined;

    expect(await fixture.create()).to.deep.include({
      state: 'REJECTED',
      rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
    });
  });

  it('is asked again while the lifetime of its reservation is in doubt', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    const answers = [new Error('no answer'), lifetimeOf(1_000_000)];
    fixture.ports.lifetime = async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    };

    const { id, paymentAction } = await fixture.create();

    expect(answers).to.have.length(0);
    expect(paymentAction?.dueAt.getTime()).to.be.greaterThan(Date.now() + 500_000);
    await fixture.cancel(id);
  });

  it('waits for the decision of the payment service shortly after the due time', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(-20_000)));
    const { id, state } = await fixture.create();
    expect(state).to.equal('PENDING');
    await fixture.cancel(id);
  });

  const hours = 3 * 3_600_000;
  const clocks = { ahead: hours, behind: -hours };
  for (const [direction, offsetMs] of Object.entries(clocks)) {
    const startWithWrongClock = (): Promise<Replica> =>
      fixture.start({}, { now: () => new Date(Date.now() + offsetMs) });

    it(`waits until its due time, also at a replica whose clock is hours ${direction}`, async () => {
      const { orders } = await startWithWrongClock();
      const delays: [dueMs: number, minMs: number, maxMs: number][] = [
        [600_000, 1.5, 2.5],
        [1500, 0.2, 1.5],
        [-20_000, 1.5, 2.5],
      ];
      for (const [dueMs, min, max] of delays) {
        fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(dueMs)));
        const { id, state } = await orders.createOrder(anOrderRequest(), callOptions());
        expect(state).to.equal('PENDING');
        const [row] = await fixture.database.db.query<{ due_in: number }>(readPolls({ ids: [id] }));
        expect(row?.due_in).to.be.within(min, max);
        await fixture.cancel(id);
      }
    });

    it(`ends long after its due time, also at a replica whose clock is hours ${direction}`, async () => {
      const { orders } = await startWithWrongClock();
      fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(-31_000)));
      expect(await orders.createOrder(anOrderRequest(), callOptions())).to.deep.include({
        state: 'REJECTED',
        rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
      });
    });

    it(`is polled at growing intervals after it met a replica whose clock is hours ${direction}`, async () => {
      const { orders } = await startWithWrongClock();
      fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
      const { id } = await orders.createOrder(anOrderRequest(), callOptions());
      const [row] = await fixture.database.db.query<{ waited: number }>(readWaited({ id }));
      expect(row?.waited).to.be.within(0, 5);
      await fixture.cancel(id);
    });
  }

  it('reads the time again when no connection was free', async () => {
    fixture.replica.db.failBefore.set('order.database_time', [
      new AppError({ reason: 'OVERLOADED', message: 'busy' }),
    ]);
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    const { id, state } = await fixture.create();
    expect(state).to.equal('PENDING');
    expect(fixture.ports.stepsOf(id)).to.deep.equal(['RESERVE_STOCK', 'AUTHORIZE_PAYMENT']);
    await fixture.cancel(id);
  });

  it('can be cancelled while it waits', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', waitingFor(dueIn(600_000)));
    const { id } = await fixture.create();
    await fixture.database.db.query(pollLater());

    const order = await fixture.cancel(id);

    expect(order).to.deep.include({ state: 'CANCELLED', paymentAction: undefined });
    // The cancellation does not wait for the next poll, and the payment is not polled again.
    expect(fixture.ports.stepsOf(id)).to.deep.equal([
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'VOID_PAYMENT',
      'RELEASE_STOCK',
    ]);
  });
});
