import { expect } from 'chai';
import fc from 'fast-check';
import type { RejectionReason, SagaOrder } from '../../../pkg/order/domain.js';
import type { OrderService } from '../../../pkg/order/service.js';
import type { RemoteStep, StepResult } from '../../../pkg/order/saga/plan.js';
import { anOrderRequest, aRefusal } from '../../../pkg/order/testing/builders.js';
import type { Fault } from '../../../pkg/order/testing/faults.js';
import { forwardSteps } from '../../../pkg/order/testing/timeline.js';
import { sql } from '../../../pkg/postgres/index.js';
import { isAppError } from '../../../pkg/errors/index.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery, type Replica } from '../../support/order/replica.js';

/** Events before, during and after one call of a step. */
const disturbance = fc.record({
  before: fc.constantFrom('nothing', 'nothing', 'takeover', 'cancellation'),
  outcome: fc.constantFrom('done', 'done', 'done', 'no effect', 'answer lost', 'refused'),
  after: fc.constantFrom('nothing', 'nothing', 'takeover', 'cancellation'),
});
type Disturbance = typeof disturbance extends fc.Arbitrary<infer T> ? T : never;
/** One disturbance for each of the first step calls of an order. Later calls succeed. */
const script = fc.record({
  disturbances: fc.array(disturbance, { maxLength: 8 }),
  isCancelledLater: fc.boolean(),
});

const refusals: Partial<Record<RemoteStep, RejectionReason>> = {
  RESERVE_STOCK: 'OUT_OF_STOCK',
  AUTHORIZE_PAYMENT: 'PAYMENT_DECLINED',
  COMMIT_STOCK: 'RESERVATION_EXPIRED',
  CAPTURE_PAYMENT: 'STEP_REFUSED',
};
const compensations: readonly RemoteStep[] = ['VOID_PAYMENT', 'REFUND_PAYMENT', 'RELEASE_STOCK'];

const abandon = sql(
  'test.order_abandon',
  `update orders set driver = null where id = $id and state in ('PENDING', 'CANCELLING')`,
);
const countAbandoned = sql(
  'test.order_count_abandoned',
  `select count(*)::int as abandoned from orders
   where id = $id and driver is null and state in ('PENDING', 'CANCELLING')`,
);

describe('an order with random disturbances', () => {
  const fixture = useOrders();
  let replicas: Replica[];
  let scripts: Map<string, Disturbance[]>;
  /** Ids of the orders with an accepted cancellation. */
  let cancelledIds: Set<string>;

  const anyReplica = (): OrderService => {
    const replica = replicas[Math.floor(Math.random() * replicas.length)];
    return replica ? replica.orders : fixture.orders;
  };

  /** Removes the driver of an order, and waits until a replica claims the order. The former saga continues. */
  const takeOver = async (id: string): Promise<void> => {
    const { db } = fixture.database;
    await db.query(abandon({ id }));
    await waitFor(async () => {
      const [row] = await db.query<{ abandoned: number }>(countAbandoned({ id }));
      return row?.abandoned === 0;
    }, 'claim of the order');
  };

  const cancel = async (id: string): Promise<void> => {
    try {
      await fixture.cancel(id, anyReplica(), callOptions(1));
      cancelledIds.add(id);
    } catch (error) {
      if (!isAppError(error, 'ILLEGAL_TRANSITION')) throw error;
    }
  };

  const disturb = async (event: Disturbance['before'], { id }: SagaOrder): Promise<void> => {
    if (event === 'takeover') await takeOver(id);
    if (event === 'cancellation') await cancel(id);
  };

  const faultOf =
    (step: RemoteStep): Fault =>
    async (order, _options, effect) => {
      const current = scripts.get(order.requestId)?.shift();
      if (!current) return undefined;
      await disturb(current.before, order);
      const reason = refusals[step];
      let result: StepResult | undefined;
      if (current.outcome === 'refused' && reason)
        result = fixture.ports.ledgerOf(order.id).refuse(step, aRefusal({ reason }));
      else if (current.outcome !== 'no effect') result = effect();
      await disturb(current.after, order);
      if (!result || current.outcome === 'answer lost') throw new Error('no answer');
      return result;
    };

  it('becomes terminal, with a legal timeline and a consistent ledger', async () => {
    const property = fc.asyncProperty(
      fc.array(script, { minLength: 4, maxLength: 4 }),
      async (orderScripts) => {
        replicas = await Promise.all([fixture.start(fastRecovery), fixture.start(fastRecovery)]);
        const requests = orderScripts.map(() => anOrderRequest());
        scripts = new Map(
          requests.map(({ requestId }, index) => [requestId, [...(orderScripts[index]?.disturbances ?? [])]]),
        );
        cancelledIds = new Set();
        for (const step of [...forwardSteps, ...compensations]) fixture.ports.faults.set(step, faultOf(step));

        const ids = await Promise.all(
          requests.map(async (request, index) => {
            const { id } = await anyReplica().createOrder(request, callOptions());
            await fixture.untilTerminal(id);
            if (orderScripts[index]?.isCancelledLater) await cancel(id);
            await fixture.untilTerminal(id);
            return id;
          }),
        );
        // After the replicas are closed, no saga runs: even the superseded sagas have ended.
        await Promise.all(replicas.map((replica) => replica.close()));

        for (const id of ids) {
          const timeline = await fixture.finishedTimeline(id);
          const { state } = await fixture.orders.getOrder(id, '');
          expect(state === 'CANCELLED', `${state}: ${timeline.join(', ')}`).to.equal(cancelledIds.has(id));
          const isRefused = timeline.some((line) => line.includes('refused'));
          if (state !== 'CANCELLED') expect(state).to.equal(isRefused ? 'REJECTED' : 'CONFIRMED');
        }
      },
    );
    await fc.assert(property, { numRuns: 12 });
  });
});
