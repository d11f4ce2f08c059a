import type { Money } from '../money/index.js';
import { fingerprint, type Database } from '../postgres/index.js';
import { wasNeverMade, type Payment } from './domain.js';
import type { PaymentGateway } from './gateway.js';
import { confirmOwedVoid } from './owed-void.js';
import type { PaymentBooks } from './payment-books.js';
import { findPaymentAndRival, type PaymentRequest } from './payment-store.js';
import { keyReused, orderHasLivePayment, paymentVoided, settled } from './refusals.js';

export interface Authorization {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: Money;
  /** Payment-method token: goes to the gateway and nowhere else. */
  readonly method: string;
}

export interface AuthorizerDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly books: PaymentBooks;
}

/** Makes payments. */
export class Authorizer {
  readonly #deps: AuthorizerDeps;

  constructor(deps: AuthorizerDeps) {
    this.#deps = deps;
  }

  /**
   * @throws AppError PAYMENT_IN_DOUBT, PAYMENT_VOIDED, REQUEST_ID_REUSED, or ILLEGAL_TRANSITION if the
   *   order has another live payment; that refusal stays, also when the other payment ends
   */
  async authorize(authorization: Authorization, signal: AbortSignal): Promise<Payment> {
    const { db, gateway, books } = this.#deps;
    const { method, ...asked } = authorization;
    const request = { ...asked, fingerprint: fingerprint({ ...asked, method, amount: { ...asked.amount } }) };
    const { paymentId: key, orderId, amount } = asked;
    const { payment, hasRival } = await findPaymentAndRival(db, key, orderId);
    if (payment) return this.#answer(payment, request, signal);
    if (hasRival) return this.#answer(await books.leaveVoided(request), request, signal);
    const answer = await settled(key, gateway.authorize({ key, orderId, amount, method, signal }));
    switch (answer.outcome) {
      case 'APPROVED':
      case 'DECLINED': {
        const made = await books.authorize(request, answer);
        return made ?? this.#answer(await books.leaveVoided(request), request, signal);
      }
      case 'VOIDED':
        return this.#answer(await books.leaveVoided({ paymentId: key }), request, signal);
      case 'KEY_REUSED':
        throw keyReused('payment_id', key);
    }
  }

  /** Answers with a payment that is there already. */
  async #answer(payment: Payment, request: PaymentRequest, signal: AbortSignal): Promise<Payment> {
    const { id, charge, owesVoid } = payment;
    if (charge && !charge.fingerprint.equals(request.fingerprint)) throw keyReused('payment_id', id);
    if (!wasNeverMade(payment)) return payment;
    // This call, or one before it, may have been approved: a refusal must leave nothing blocked.
    if (owesVoid) await confirmOwedVoid(id, signal, this.#deps);
    throw charge ? orderHasLivePayment(id, charge.orderId) : paymentVoided(id);
  }
}
