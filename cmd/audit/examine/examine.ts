import { StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { isReachable } from '../checks/order-states.js';
import { stockViolations } from '../checks/stock.js';
import { undefinedIfMissing, type Services } from '../services.js';
import type { Examination, SharedKey, Subject } from './examination.js';
import { judgeOrder, readOrder } from './examine-order.js';
import { examinePayment, examineReservation, examineTransactions } from './examine-orphans.js';
import type { StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';

/** Reads the entities of a subject again and judges them. */
export function examine(services: Services, subject: Subject): Promise<Examination> {
  switch (subject.kind) {
    case 'order':
      return examineOrder(services, subject.orderId);
    case 'stock':
      return examineStock(services, subject.sku);
    case 'payment':
      return examinePayment(services, subject.paymentId);
    case 'reservation':
      return examineReservation(services, subject.reservationId);
    case 'transactions':
      return examineTransactions(services, subject.paymentId);
    case 'shared':
      return examineShared(services, subject.key, subject.orderIds);
    case 'acknowledged':
      return examineAcknowledged(services, subject.orderId, subject.state);
  }
}

async function examineOrder(services: Services, orderId: string): Promise<Examination> {
  const response = await undefinedIfMissing(services.order.getOrder({ orderId, customerId: '' }));
  if (response?.order) return judgeOrder(await readOrder(services, response.order));
  const violation = `order ${orderId} was listed and does not exist`;
  const findings = [{ invariant: 5, violation, ids: { order_id: orderId } }];
  return { subject: { kind: 'order', orderId }, version: 'missing', findings };
}

async function examineStock({ inventory }: Services, sku: string): Promise<Examination> {
  const response = await undefinedIfMissing(inventory.getStock({ sku, view: StockView.AUDIT }));
  if (response?.stock) return judgeStock(response.stock);
  const findings = [{ invariant: 1, violation: `${sku} was listed and does not exist`, ids: { sku } }];
  return { subject: { kind: 'stock', sku }, version: 'missing', findings };
}

export function judgeStock(level: StockLevel): Examination {
  const { sku, revision } = level;
  const findings = stockViolations(level).map((violation) => ({
    invariant: 1,
    violation: `${sku}: ${violation}`,
    ids: { sku, revision: String(revision) },
  }));
  return { subject: { kind: 'stock', sku }, version: String(revision), findings };
}

/** Maximum number of orders that are read for one shared id. */
const maxShared = 100;

/** Finds orders that share a request id, a payment or a reservation. */
async function examineShared(
  { order: client }: Services,
  key: SharedKey,
  orderIds: readonly string[],
): Promise<Examination> {
  const responses = await Promise.all(
    orderIds
      .slice(0, maxShared)
      .map((orderId) => undefinedIfMissing(client.getOrder({ orderId, customerId: '' }))),
  );
  const ids = responses.flatMap((response) => response?.order?.orderId ?? []);
  const owner = key.name === 'request_id' ? `customer ${key.customerId}, ` : '';
  const finding = {
    invariant: 9,
    violation: `${owner}${key.name} ${key.id}: ${ids.length} orders have it`,
    ids: { [key.name]: key.id, order_ids: ids },
  };
  return {
    subject: { kind: 'shared', key, orderIds },
    version: ids.join(),
    findings: ids.length > 1 ? [finding] : [],
  };
}

/** `state` is a state in which a client has seen the order; '' if the client recorded none. */
async function examineAcknowledged(
  { order: client }: Services,
  orderId: string,
  state: string,
): Promise<Examination> {
  const response = await undefinedIfMissing(client.getOrder({ orderId, customerId: '' }));
  const order = response?.order;
  const seen = OrderState[state as keyof typeof OrderState] ?? OrderState.PENDING;
  const violation = order
    ? `order ${orderId} changed from ${state} to ${OrderState[order.state]}`
    : `order ${orderId} was acknowledged and does not exist`;
  const isViolated = !order || !isReachable(seen, order.state);
  return {
    subject: { kind: 'acknowledged', orderId, state },
    version: String(order?.revision ?? 'missing'),
    findings: isViolated ? [{ invariant: 5, violation, ids: { order_id: orderId } }] : [],
  };
}
