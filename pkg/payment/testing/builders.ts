import { uuidv7 } from '../../runtime/index.js';
import type { Charge, Payment, PaymentState } from '../domain.js';

/** A charge of 10.00 USD that is captured and not refunded. */
export function aCharge(overrides: Partial<Charge> = {}): Charge {
  return {
    orderId: uuidv7(),
    currency: 'USD',
    amount: 1000n,
    authorized: 1000n,
    captured: 1000n,
    refunded: 0n,
    externallyRefunded: 0n,
    refundPending: 0n,
    fingerprint: Buffer.from('request'),
    ...overrides,
  };
}

/** A CAPTURED payment by default. */
export function aPayment(overrides: Partial<Payment> = {}): Payment {
  return {
    id: uuidv7(),
    state: 'CAPTURED',
    charge: aCharge(),
    decline: undefined,
    captureDecline: undefined,
    action: undefined,
    voidedIntent: false,
    voidPending: false,
    released: undefined,
    createdAt: new Date('2024-05-01T10:00:00Z'),
    updatedAt: new Date('2024-05-01T10:00:00Z'),
    ...overrides,
  };
}

/** One payment per state, valid under the CHECK constraints. */
export const paymentsByState: Readonly<Record<PaymentState, Payment>> = {
  PENDING: aPayment({ state: 'PENDING', charge: aCharge({ authorized: 0n, captured: 0n }) }),
  ACTION_REQUIRED: aPayment({
    state: 'ACTION_REQUIRED',
    charge: aCharge({ authorized: 0n, captured: 0n }),
    action: { url: 'https://gateway.example/action', dueAt: new Date('2024-05-01T10:15:00Z') },
  }),
  AUTHORIZED: aPayment({ state: 'AUTHORIZED', charge: aCharge({ captured: 0n }) }),
  CAPTURED: aPayment(),
  PARTIALLY_REFUNDED: aPayment({ state: 'PARTIALLY_REFUNDED', charge: aCharge({ refunded: 400n }) }),
  REFUNDED: aPayment({ state: 'REFUNDED', charge: aCharge({ refunded: 1000n }) }),
  VOIDED: aPayment({ state: 'VOIDED', charge: aCharge({ captured: 0n }) }),
  DECLINED: aPayment({
    state: 'DECLINED',
    charge: aCharge({ authorized: 0n, captured: 0n }),
    decline: { code: 'CARD_EXPIRED', advice: 'DO_NOT_RETRY' },
  }),
  EXPIRED: aPayment({ state: 'EXPIRED', charge: aCharge({ captured: 0n }) }),
};
