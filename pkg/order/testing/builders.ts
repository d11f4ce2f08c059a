import { money } from '../../money/index.js';
import { uuidv7 } from '../../runtime/index.js';
import type { OrderRequest, Rejection, SagaOrder } from '../domain.js';
import type { Refusal } from '../saga/plan.js';

/** A valid request without expected total, both as OrderRequest and as CreateOrderRequest. */
export function anOrderRequest({
  items = [{ sku: 'espresso', quantity: 2n }],
  ...overrides
}: Partial<Omit<OrderRequest, 'expectedTotal'>> = {}) {
  return {
    requestId: uuidv7(),
    customerId: 'ada',
    paymentMethod: 'pm_approve',
    ...overrides,
    items: [...items],
  };
}

/** A newly accepted order. */
export function anOrder(overrides: Partial<SagaOrder> = {}): SagaOrder {
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
    refunded: money('USD', 0n),
    refundPending: money('USD', 0n),
    paymentAction: undefined,
    waitingSince: undefined,
    block: undefined,
    nextAttemptAt: undefined,
    resolution: undefined,
    ...overrides,
  };
}

/** A refusal as the clients return it: only OUT_OF_STOCK and PAYMENT_DECLINED show that the step had no effect. */
export function aRefusal(rejection: Rejection, detail: string = rejection.reason): Refusal {
  const hasNoEffect = rejection.reason === 'OUT_OF_STOCK' || rejection.reason === 'PAYMENT_DECLINED';
  return { kind: 'refused', rejection, detail, effect: hasNoEffect ? 'NONE' : 'UNKNOWN' };
}
