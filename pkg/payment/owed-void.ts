import type { Payment } from './domain.js';
import type { PaymentGateway } from './gateway.js';
import type { PaymentBooks } from './payment-books.js';
import { settled } from './refusals.js';

/**
 * Has the gateway void a payment that is VOIDED here already, and books that it did. From then on no
 * authorization of it, however late, can succeed there.
 *
 * @throws AppError PAYMENT_IN_DOUBT
 */
export async function confirmOwedVoid(
  paymentId: string,
  signal: AbortSignal,
  { gateway, books }: { readonly gateway: PaymentGateway; readonly books: PaymentBooks },
): Promise<Payment> {
  const answer = await settled(paymentId, gateway.void({ key: paymentId, signal }));
  if (answer.outcome === 'VOIDED') return books.confirmVoid(paymentId, answer.released);
  throw new Error(`the gateway captured payment ${paymentId}, which was never made`);
}
