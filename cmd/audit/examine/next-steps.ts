/** Commands for an operator, with the default addresses. Each command may be repeated. */

export function releaseStep(reservationId: string): string {
  return call(50_052, 'inventory.v1.InventoryService/ReleaseReservation', { reservation_id: reservationId });
}

const reason = 'order lost in a restore';

export function voidStep(paymentId: string): string {
  const request = { payment_id: paymentId, actor: 'YOU', reason };
  return call(50_053, 'payment.v1.PaymentService/VoidPayment', request);
}

export function refundSteps(paymentId: string): string {
  const request = { request_id: `reconcile-${paymentId}`, payment_id: paymentId, actor: 'YOU', reason };
  return call(50_053, 'payment.v1.PaymentService/RefundPayment', request);
}

export const lostReservationStep =
  'the inventory service lost the reservation: count the stock and correct on_hand with AdjustStock, with an actor and a reason';

export const lostPaymentStep =
  "the payment service lost the payment: look up the charge by its payment id in the gateway's own console, and refund there when the order is cancelled";

function call(port: number, method: string, request: Readonly<Record<string, string>>): string {
  return `grpcurl -plaintext -d '${JSON.stringify(request)}' localhost:${port} ${method}`;
}
