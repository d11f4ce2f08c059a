import { AppError } from '../../errors/index.js';
import type { SagaOrder } from '../domain.js';

export function orderNotFound(orderId: string): AppError {
  return new AppError({
    reason: 'ORDER_NOT_FOUND',
    message: 'no such order',
    metadata: { order_id: orderId },
  });
}

export function requestIdReused(requestId: string): AppError {
  return new AppError({
    reason: 'REQUEST_ID_REUSED',
    message: 'the request id was used before with another request',
    metadata: { request_id: requestId },
  });
}

/** @param problem a verb phrase, such as `cannot be retried` */
export function illegalAction({ id, state, block }: SagaOrder, problem: string): AppError {
  const description = `the order is ${state}${block ? ' and blocked' : ''}`;
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `an order that is ${state} ${problem}`,
    metadata: { order_id: id, state },
    preconditions: [{ type: 'STATE', subject: id, description }],
  });
}
