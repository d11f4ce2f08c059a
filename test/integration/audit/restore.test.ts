import { expect } from 'chai';
import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { startSystem, type System } from '../../support/system.js';
import { audit, clean, place, resultOf } from './run.js';
import { RestorableServers, type RestoredService } from './restorable-servers.js';

/** Violations that the restore of a service causes for one order that was placed after the backup. */
interface Difference {
  readonly service: RestoredService;
  violationsOf(order: Order): readonly string[];
  readonly nextStep: RegExp;
}

const differences: readonly Difference[] = [
  {
    service: 'order-service',
    violationsOf: ({ reservationId, paymentId, orderId }) => [
      `2 reservation ${reservationId} (COMMITTED) of 1 espresso: no order has this reservation`,
      `3 payment ${paymentId} (CAPTURED), captured 4.00 USD: its order ${orderId} does not exist`,
    ],
    nextStep: /ReleaseReservation|RefundPayment/,
  },
  {
    service: 'inventory-service',
    violationsOf: ({ orderId }) => [
      `2 order ${orderId} (CONFIRMED): the order is CONFIRMED, but its reservation is missing`,
    ],
    nextStep: /AdjustStock/,
  },
  {
    service: 'payment-service',
    violationsOf: ({ orderId }) => [`3 order ${orderId} (CONFIRMED): total 4.00 USD, but paid 0 minor units`],
    nextStep: /gateway/,
  },
];

describe('a service that was restored to an older state', function describeRestore() {
  this.timeout(300_000);
  let servers: RestorableServers;
  let lost: Order[];

  /** Runs `work` with the services on the databases as they are. */
  async function withSystem<T>(work: (system: System) => Promise<T>): Promise<T> {
    const system = await startSystem({ urls: await servers.start() });
    try {
      return await work(system);
    } finally {
      await system.close();
      await servers.stop();
    }
  }

  const placeOrders = async (system: System): Promise<Order[]> => {
    await system.stock({ sku: 'espresso', quantity: 10n });
    return [await place(system), await place(system)];
  };

  before(async () => {
    servers = await RestorableServers.create();
    await servers.stop();
    await withSystem(placeOrders);
    await servers.backUp('old');
    lost = await withSystem(async (system) => {
      const orders = await placeOrders(system);
      expect(resultOf(await audit(system))).to.deep.equal(clean);
      return orders;
    });
    await servers.backUp('new');
  });
  after(() => servers.remove());

  for (const { service, violationsOf, nextStep } of differences)
    it(`is reported by audit and by reconcile with the next steps: ${service}`, async () => {
      await servers.restore(service, 'old');
      const [audited, reconciled] = await withSystem(async (system) => [
        await audit(system),
        await audit(system, { reconcile: true }),
      ]);
      await servers.restore(service, 'new');
      const expected = lost.flatMap(violationsOf);
      for (const report of [audited, reconciled]) {
        expect(resultOf(report).violations).to.include.members(expected);
        expect(resultOf(report).exitCode).to.equal(1);
      }
      expect(resultOf(reconciled).violations).to.have.members(expected);
      const steps = reconciled.invariants.flatMap(({ violations }) =>
        violations.map((violation) => violation.nextStep ?? ''),
      );
      for (const step of steps) expect(step).to.match(nextStep);
    });
});
