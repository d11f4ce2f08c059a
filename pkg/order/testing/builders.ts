import { money } from '../../money/index.js';
import { uuidv7 } from '../../runtime/index.js';
import type { OrderRequest, SagaOrder } from '../domain.js';

/** A request as a customer would make it, unless told otherwise. */
export function anOrderRequest(given: Partial<OrderRequest> = {}): OrderRequest {
  return {
    requestId: uuidv7(),
    customerId: 'ada',
    items: [{ sku: 'espresso', quantity: 2n }],
    paymentMethod: 'pm_approve',
    ...given,
  };
}

/** An order just accepted, unless told otherwise. */
export function anOrder(given: Partial<SagaOrder> = {}): SagaOrder {
  const now = new Date();
  return {
    id: uuidv7(),
    customerId: 'ada',
    requestId: uuidv7(),
    state: 'PENDING',
    lines: [{ sku: 'espresso', name: 'Espresso', quantity: 2n, unitPrice: money('USD', 350n) }],
    total: money('USD', 700n),
    rejection: undefined,
    revision: 1,
    reservationId: uuidv7(),
    paymentId: uuidv7(),
    createdAt: now,
    updatedAt: now,
    paymentMethod: 'pm_approve',
    refundId: uuidv7(),
    traceparent: '',
    step: 'RESERVE_STOCK',
    failures: 0,
    ...given,
  };
}
