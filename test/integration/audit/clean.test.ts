import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';
import { audit, cancel, clean, place, placeEachOutcome, resultOf } from './run.js';

describe('the audit of a system without violations', () => {
  let system: System;
  let directory: string;

  before(async () => {
    system = await startSystem();
    directory = await mkdtemp(path.join(tmpdir(), 'audit-test-'));
    await system.stock({ sku: 'espresso', quantity: 1000n });
    await system.stock({ sku: 'mocha', quantity: 1000n });
  });
  after(async () => {
    await rm(directory, { recursive: true });
    await system.close();
  });

  it('finds no violation, and counts what it has checked', async () => {
    const { confirmed } = await placeEachOutcome(system);
    const acknowledged = path.join(directory, 'acknowledged.txt');
    await writeFile(acknowledged, `${confirmed.orderId} CONFIRMED\n\n${confirmed.orderId}\n`);
    const report = await audit(system, { acknowledged });
    expect(resultOf(report)).to.deep.equal(clean);
    const figures = Object.fromEntries(report.invariants.map((found) => [found.number, found.figures]));
    expect(figures).to.deep.include({
      1: { skus: 2, on_hand: 1998, reserved: 0 },
      2: { reservations: 5, committed: 2, confirmed: 2, of_orders: 5, orders: 5 },
      6: { unfinished: 0, orders: 5 },
    });
    expect(figures[3]).to.include({ orders: 5, confirmed: 2, live_payments: 2 });
    expect(figures[4]).to.include({ refunded: 1 });
    expect(figures[5]).to.include({ orders: 5, acknowledged: 2 });
  });

  it('accepts the answers of a real gateway: late, lost, refused and expired', async () => {
    const sku = 'espresso';
    const methods = [
      'pm_capture_answer_lost',
      'pm_capture_declined',
      'pm_authorization_expires',
      'pm_fail_2_then_approve',
    ];
    for (const paymentMethod of methods) await place(system, { sku, paymentMethod });
    await cancel(system, await place(system, { sku, paymentMethod: 'pm_refund_answer_lost' }));
    const blocked = await place(system, { sku, paymentMethod: 'pm_refund_declined' });
    const request = { requestId: '', orderId: blocked.orderId, customerId: '', reason: '' };
    await system.order.cancelOrder(request, { timeoutMs: 2000 }).catch(() => undefined);
    await waitFor(async () => {
      const { order } = await system.order.getOrder({ orderId: blocked.orderId, customerId: '' });
      return order?.blockedReason !== '';
    }, 'blocked order');
    await cancel(system, await place(system, { sku, paymentMethod: 'pm_action_required' }));
    const waiting = await place(system, { sku, paymentMethod: 'pm_action_expires' });
    expect(waiting.paymentAction).not.to.equal(undefined);
    const report = await audit(system);
    expect(resultOf(report)).to.deep.equal(clean);
    expect(report.invariants[5]?.notes).to.deep.equal([
      `order ${blocked.orderId} is blocked: REFUND_DECLINED; see RetryOrder, ResolveOrder`,
    ]);
    await cancel(system, waiting);
  });

  it('accepts partial refunds by operators', async () => {
    const { orderId } = await place(system);
    const amount = { currencyCode: 'USD', units: 1n, nanos: 0 };
    const request = { requestId: uuidv7(), orderId, amount, actor: 'olga', reason: 'goodwill' };
    const { order } = await system.order.refundOrder(request);
    expect(order?.refundedAmount).to.deep.equal(amount);
    expect(resultOf(await audit(system))).to.deep.equal(clean);
    await cancel(system, order!);
    expect(resultOf(await audit(system))).to.deep.equal(clean);
  });

  it('reports an acknowledged order that does not exist, or that left a terminal state', async () => {
    const { confirmed, rejected } = await placeEachOutcome(system);
    const lost = uuidv7();
    const acknowledged = path.join(directory, 'acknowledged.txt');
    const lines = [lost, `${confirmed.orderId} CONFIRMED`, `${rejected.orderId} CONFIRMED`];
    await writeFile(acknowledged, lines.join('\n'));
    expect(resultOf(await audit(system, { acknowledged }))).to.deep.equal({
      violations: [
        `5 order ${lost} was acknowledged and does not exist`,
        `5 order ${rejected.orderId} changed from CONFIRMED to REJECTED`,
      ],
      exitCode: 1,
    });
  });

  it('finds no violation while orders are placed and cancelled', async () => {
    let isRunning = true;
    let placed = 0;
    const buyer = async (index: number): Promise<void> => {
      while (isRunning) {
        const order = await place(system, { sku: index % 2 === 0 ? 'mocha' : 'espresso' });
        if (placed % 3 === 0) await cancel(system, order);
        placed += 1;
      }
    };
    const buyers = Array.from({ length: 4 }, (_, index) => buyer(index));
    while (placed < 30)
      expect(resultOf(await audit(system, { pageSize: 20, pauseMs: 100 }))).to.deep.equal(clean);
    isRunning = false;
    await Promise.all(buyers);
    expect(resultOf(await audit(system, { pageSize: 20 }))).to.deep.equal(clean);
  });

  it('fails when a service is unreachable', async () => {
    const addresses = { ...system.addresses, payment: '127.0.0.1:1' };
    const error = await audit({ addresses }).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).to.have.property('reason', 'DEPENDENCY_UNAVAILABLE');
  });
});
