import type { Payment } from './domain.js';
import { captureDeclined, illegalTransition, paymentPending } from './errors.js';

/** Results that the first version of the API did not have. Its callers take every payment that is not DECLINED for a success. */
export const laterResults = ['ACTION_REQUIRED', 'EXPIRED', 'CAPTURE_DECLINED'] as const;

export type LaterResult = (typeof laterResults)[number];

/**
 * Returns the result of a call if its caller understands the result. Otherwise the saga of the first version must neither
 * confirm its order nor leave money blocked: PAYMENT_IN_DOUBT makes it repeat the call, and ILLEGAL_TRANSITION makes it
 * reject the order, after a void if the call was a capture.
 *
 * @throws AppError PAYMENT_IN_DOUBT, ILLEGAL_TRANSITION
 */
export function requireAccepted(
  payment: Payment,
  command: 'AUTHORIZE' | 'CAPTURE',
  accepted: ReadonlySet<LaterResult>,
): Payment {
  const result = laterResultOf(payment, command);
  if (result === undefined || accepted.has(result)) return payment;
  switch (result) {
    case 'ACTION_REQUIRED':
      throw paymentPending(payment.id);
    case 'EXPIRED':
      throw illegalTransition(payment, command);
    case 'CAPTURE_DECLINED':
      throw captureDeclined(payment.id);
  }
}

/** A declined capture does not change the answer to a repeated authorization. */
function laterResultOf(
  { state, captureDecline }: Payment,
  command: 'AUTHORIZE' | 'CAPTURE',
): LaterResult | undefined {
  if (state === 'ACTION_REQUIRED' || state === 'EXPIRED') return state;
  return command === 'CAPTURE' && state === 'AUTHORIZED' && captureDecline ? 'CAPTURE_DECLINED' : undefined;
}
