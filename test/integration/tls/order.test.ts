import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { certificateOf, tlsVariables } from '../../../cmd/dev/services/certificates.js';
import { serviceNames } from '../../../cmd/dev/supervisor/protocol.js';
import { HealthService } from '../../../pkg/pb/grpc/health/v1/health.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { openTransport, type CallOptions, type Transport } from '../../../pkg/rpc/index.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { ensureCertificates } from '../../../scripts/dev-certs/folder.js';
import { startSystem, type System } from '../../support/system.js';
import { TestAuthority } from './certificates.js';

describe('four services with mutual TLS', () => {
  let folder: string;
  let transport: Transport;
  let system: System;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'certs-'));
    await ensureCertificates(folder, [...serviceNames, 'test-client'], new Date());
    transport = await openTransport({ tls: certificateOf('test-client', folder) });
    system = await startSystem({
      tls: { transport, variablesOf: (service) => tlsVariables(service, folder) },
    });
    await system.stock({ sku: 'mug', quantity: 100n });
  });
  afterEach(async () => {
    await system.close();
    await transport.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const buy = async (paymentMethod: string, options: CallOptions = {}): Promise<Order> => {
    const items = [{ sku: 'mug', quantity: 1n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    return (await system.order.createOrder(request, options)).order as Order;
  };
  const becomes = (orderId: string, state: OrderState): Promise<unknown> =>
    waitFor(async () => {
      const { order } = await system.order.getOrder({ orderId, customerId: 'ada' });
      return order?.state === state;
    }, `order in state ${OrderState[state]}`);

  it('confirm, cancel and reject orders', async () => {
    const { orderId, paymentId, state } = await buy('pm_approve');
    expect(state).to.equal(OrderState.CONFIRMED);
    const { payment } = await system.payment.getPayment({ paymentId, view: PaymentView.BASIC });
    expect(payment?.state).to.equal(PaymentState.CAPTURED);

    await system.order.cancelOrder({ requestId: uuidv7(), orderId, customerId: 'ada', reason: '' });
    await becomes(orderId, OrderState.CANCELLED);

    expect(await buy('pm_decline_card_expired')).to.include({ state: OrderState.REJECTED });
  });

  it('keep an order PENDING while inventory rejects certificates, and confirm the order afterwards', async () => {
    const { ca } = certificateOf('inventory-service', folder);
    const trusted = readFileSync(ca);
    writeFileSync(ca, (await TestAuthority.create()).cert);
    await waitFor(() => isRejected(system.inventoryAddress, transport), 'rejected connection to inventory');

    const { orderId, state } = await buy('pm_approve', { timeoutMs: 2000 });

    expect(state).to.equal(OrderState.PENDING);
    const { entries } = await system.order.getOrderTimeline({ orderId, customerId: 'ada' });
    expect(entries.map(({ detail }) => detail)).to.include('DEPENDENCY_UNAVAILABLE');
    writeFileSync(ca, trusted);
    await becomes(orderId, OrderState.CONFIRMED);
  });
});

/**
 * Returns whether the server rejects a new connection. An existing connection would not show this, because the server
 * does not close existing connections when its CA file changes.
 */
async function isRejected(address: string, transport: Transport): Promise<boolean> {
  const health = loneClient(HealthService, address, { transport });
  const response = await health.check({ service: '' }).catch(() => undefined);
  health.close();
  return response === undefined;
}
