import { expect } from 'chai';
import fc from 'fast-check';
import type { RejectionReason, SagaOrder } from '../../pkg/order/domain.js';
import type { OrderService } from '../../pkg/order/service.js';
import type { RemoteStep, StepResult } from '../../pkg/order/saga-plan.js';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import type { Fault } from '../../pkg/order/testing/faults.js';
import { sql } from '../../pkg/postgres/index.js';
import { isAppError } from '../../pkg/errors/index.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { patience, watchful, type Replica } from './order-replica.js';

/** What happens at one call of an order's saga to another service. */
const disturbance = fc.record({
  before: fc.constantFrom('nothing', 'nothing', 'takeover', 'cancellation'),
  outcome: fc.constantFrom('done', 'done', 'done', 'no effect', 'answer lost', 'refused'),
  after: fc.constantFrom('nothing', 'nothing', 'takeover', 'cancellation'),
});
type Disturbance = typeof disturbance extends fc.Arbitrary<infer T> ? T : never;
/** The first calls of an order; those after them find everything well. */
const script = fc.record({
  disturbances: fc.array(disturbance, { maxLength: 8 }),
  isCancelledInTheEnd: fc.boolean(),
});

const refusals: Partial<Record<RemoteStep, RejectionReason>> = {
  RESERVE_STOCK: 'OUT_OF_STOCK',
  AUTHORIZE_PAYMENT: 'PAYMENT_DECLINED',
  COMMIT_STOCK: 'RESERVATION_EXPIRED',
  CAPTURE_PAYMENT: 'STEP_REFUSED',
};
const forward: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
];
const backward: readonly RemoteStep[] = ['VOID_PAYMENT', 'REFUND_PAYMENT', 'RELEASE_STOCK'];

const abandon = sql(
  'test.order_abandon',
  `update orders set driver = null where id = $1 and state in ('PENDING', 'CANCELLING')`,
);
const countAbandoned = sql(
  'test.order_count_abandoned',
  `select count(*)::int as abandoned from orders
   where id = $1 and driver is null and state in ('PENDING', 'CANCELLING')`,
);

describe('any order, whatever happens to it,', () => {
  const bench = useOrders();
  let replicas: Replica[];
  let scripts: Map<string, Disturbance[]>;
  /** Orders whose cancellation was accepted. */
  let cancelled: Set<string>;

  const someone = (): OrderService => {
    const replica = replicas[Math.floor(Math.random() * replicas.length)];
    return replica ? replica.orders : bench.orders;
  };

  /** Takes the order from whoever drives it, who does not notice, and waits for another driver. */
  const takeOver = async (id: string): Promise<void> => {
    const { db } = bench.database;
    await db.query(abandon, [id]);
    await waitFor(async () => {
      const [row] = await db.query<{ abandoned: number }>(countAbandoned, [id]);
      return row?.abandoned === 0;
    }, 'another driver');
  };

  const cancel = async (id: string): Promise<void> => {
    try {
      await bench.cancel(id, someone(), patience(1));
      cancelled.add(id);
    } catch (error) {
      if (!isAppError(error, 'ILLEGAL_TRANSITION')) throw error;
    }
  };

  const disturb = async (how: Disturbance['before'], { id }: SagaOrder): Promise<void> => {
    if (how === 'takeover') await takeOver(id);
    if (how === 'cancellation') await cancel(id);
  };

  const faultOf =
    (step: RemoteStep): Fault =>
    async (order, _bounds, effect) => {
      const happening = scripts.get(order.requestId)?.shift();
      if (!happening) return undefined;
      await disturb(happening.before, order);
      const reason = refusals[step];
      let result: StepResult | undefined;
      if (happening.outcome === 'refused' && reason)
        result = bench.ports
          .booksOf(order.id)
          .refuse(step, { kind: 'refused', rejection: { reason }, detail: reason });
      else if (happening.outcome !== 'no effect') result = effect();
      await disturb(happening.after, order);
      if (!result || happening.outcome === 'answer lost') throw new Error('no answer');
      return result;
    };

  it('ends at rest, with a legal timeline and true books', async () => {
    const property = fc.asyncProperty(fc.array(script, { minLength: 4, maxLength: 4 }), async (given) => {
      replicas = await Promise.all([bench.start(watchful), bench.start(watchful)]);
      const requests = given.map(() => anOrderRequest());
      scripts = new Map(
        requests.map(({ requestId }, index) => [requestId, [...(given[index]?.disturbances ?? [])]]),
      );
      cancelled = new Set();
      for (const step of [...forward, ...backward]) bench.ports.faults.set(step, faultOf(step));

      const ids = await Promise.all(
        requests.map(async (request, index) => {
          const { id } = await someone().createOrder(request, patience());
          await bench.untilRest(id);
          if (given[index]?.isCancelledInTheEnd) await cancel(id);
          await bench.untilRest(id);
          return id;
        }),
      );
      // Waits for the sagas that were overtaken, too.
      await Promise.all(replicas.map((replica) => replica.close()));

      for (const id of ids) {
        const story = await bench.storyOf(id);
        const { state } = await bench.orders.getOrder(id, '');
        expect(state === 'CANCELLED', `${state}: ${story.join(', ')}`).to.equal(cancelled.has(id));
        const isRefused = story.some((line) => line.includes('refused'));
        if (state !== 'CANCELLED') expect(state).to.equal(isRefused ? 'REJECTED' : 'CONFIRMED');
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
});
