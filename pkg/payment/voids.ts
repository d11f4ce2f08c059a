import type { Payment } from './domain.js';
import { backoffOf, callGateway, drain, type RetryTimes } from './background.js';
import { awaitGateway } from './errors.js';
import type { PaymentGateway } from './gateway/gateway.js';
import type { PaymentLedger } from './ledger.js';
import { claimDueVoids, deferVoid } from './payment-store.js';
import type { Database } from '../postgres/index.js';

export interface PendingVoidsDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly ledger: PaymentLedger;
  readonly times: RetryTimes;
}

/** Voids at the gateway the payments that are VOIDED in this database. */
export class PendingVoids {
  readonly #deps: PendingVoidsDeps;

  constructor(deps: PendingVoidsDeps) {
    this.#deps = deps;
  }

  /**
   * Voids one payment at the gateway. The gateway then cannot authorize the payment. If the gateway captured the payment
   * before the void, for example for a replica of an earlier version, the payment becomes CAPTURED.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async confirm(paymentId: string, signal: AbortSignal): Promise<Payment> {
    const { db, gateway, ledger, times } = this.#deps;
    try {
      const call = callGateway(signal, times, (limit) => gateway.void({ key: paymentId, signal: limit }));
      const answer = await awaitGateway(paymentId, call);
      if (answer.outcome === 'CAPTURED') return await this.#recordCapture(paymentId, answer.amount, signal);
      return await ledger.confirmVoid(paymentId, answer.outcome === 'VOIDED' ? answer.released : undefined);
    } catch (error) {
      // If the delay cannot be stored, the void is due when the lease of the claim ends.
      await deferVoid(db, paymentId, backoffOf(times)).catch(() => undefined);
      throw error;
    }
  }

  /** The answer to a void has no reference of the authorization, so the payment is looked up. */
  async #recordCapture(paymentId: string, amount: bigint, signal: AbortSignal): Promise<Payment> {
    const { gateway, ledger, times } = this.#deps;
    const call = callGateway(signal, times, (limit) => gateway.lookup({ key: paymentId, signal: limit }));
    const { authorization } = await awaitGateway(paymentId, call);
    if (authorization?.outcome !== 'APPROVED')
      throw new Error(`the gateway captured payment ${paymentId}, but reports no approval`);
    return ledger.captureVoided(paymentId, { reference: authorization.reference, amount });
  }

  /**
   * Repeats pending voids that are due. Replicas share the work.
   *
   * @throws AggregateError of the voids that failed again
   */
  confirmDue(signal: AbortSignal): Promise<void> {
    const { db, times } = this.#deps;
    return drain(
      {
        name: 'payment.confirm_void',
        claim: (limit) => claimDueVoids(db, times.leaseMs, limit),
        attempt: ({ paymentId }) => this.confirm(paymentId, signal),
      },
      signal,
    );
  }
}
