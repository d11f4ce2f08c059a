import { expect } from 'chai';
import { inParallel } from '../../../cmd/test-client/context/parallel.js';
import { startSystem, type System } from '../../support/system.js';
import { audit, clean, execute, place, resultOf } from './run.js';

describe('the audit of more orders than fit in its memory limits', function describeLarge() {
  this.timeout(300_000);
  const count = 500;
  /** 2,500 references in runs of 100, of which at most three are open. */
  const limits = { pageSize: 50, sortLimits: { runLines: 100, maxRuns: 3 } };
  let system: System;

  before(async () => {
    system = await startSystem();
    await system.stock({ sku: 'espresso', quantity: BigInt(count) });
  });
  after(() => system.close());

  it('reads every order, and finds what the first and the last order share', async () => {
    const orders = await inParallel(Array.from({ length: count }), 16, () => place(system));
    const progress: string[] = [];
    const report = await audit(system, { ...limits, onProgress: (text) => progress.push(text) });
    expect(resultOf(report)).to.deep.equal(clean);
    expect(report.invariants[6]?.figures).to.include({ orders: count });
    expect(progress).to.include.members(['50 orders read', '500 orders read', '500 payments read']);

    const [first, last] = [orders[0]!, orders.at(-1)!];
    const change = `update orders set reservation_id = '${first.reservationId}' where id = '${last.orderId}'`;
    await execute(system.databases.order, change);
    expect(resultOf(await audit(system, limits))).to.deep.equal({
      violations: [
        `2 reservation ${last.reservationId} (COMMITTED) of 1 espresso: no order has this reservation`,
        `9 reservation_id ${first.reservationId}: 2 orders have it`,
      ],
      exitCode: 1,
    });
  });
});
