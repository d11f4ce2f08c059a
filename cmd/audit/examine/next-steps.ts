/** Commands for an operator, with the default addresses. Each command may be repeated. */

const reason = 'order lost in a restore';

export function releaseStep(reservationId: string): string {
  const request = { reservation_id: reservationId, actor: 'YOU', reason };
  return call(50_052, 'inventory.v1.InventoryService/ReleaseReservation', request);
}

/** A void also refunds a charge that only the gateway knows, and records a capture of a payment that is VOIDED here. */
export function voidStep(paymentId: string, why = reason): string {
  const request = { payment_id: paymentId, actor: 'YOU', reason: why };
  return call(50_053, 'payment.v1.PaymentService/VoidPayment', request);
}

export function refundSteps(paymentId: string): string {
  const request = { request_id: `reconcile-${paymentId}`, payment_id: paymentId, actor: 'YOU', reason };
  return call(50_053, 'payment.v1.PaymentService/RefundPayment', request);
}

export const lostReservationStep =
  'the inventory service lost the reservation: count the stock and correct on_hand with AdjustStock, with an actor and a reason';

export const lostPaymentStep =
  'the payment service lost the payment: when the order is cancelled, VoidPayment with its payment id refunds the charge at the gateway, and RetryOrder then ends the cancellation';

function call(port: number, method: string, request: Readonly<Record<string, string>>): string {
  return `grpcurl -plaintext -d '${JSON.stringify(request)}' localhost:${port} ${method}`;
}
