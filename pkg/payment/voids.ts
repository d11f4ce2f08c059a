import { isAppError } from '../errors/index.js';
import { isTombstone, type Payment } from './domain.js';
import { backoffOf, callGateway, drain, type RetryTimes } from './background.js';
import { awaitGateway } from './errors.js';
import type { PaymentGateway } from './gateway/gateway.js';
import type { PaymentLedger } from './ledger.js';
import { claimDueVoids, deferVoid, type TombstoneCharge } from './payment-store.js';
import { fingerprintOf, type RefundService } from './refunds/refund-service.js';
import type { Database } from '../postgres/index.js';

export interface PendingVoidsDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly ledger: PaymentLedger;
  readonly refunds: RefundService;
  readonly times: RetryTimes;
}

/** Reason of the refund of a captured tombstone, in the ledger. */
const tombstoneReason = 'the payment was voided before its charge was known';

/** Voids at the gateway the payments that are VOIDED in this database. */
export class PendingVoids {
  readonly #deps: PendingVoidsDeps;

  constructor(deps: PendingVoidsDeps) {
    this.#deps = deps;
  }

  /**
   * Voids one payment at the gateway. The gateway then cannot authorize the payment. If the gateway captured the payment
   * before the void, for example for a replica of an earlier version, the payment becomes CAPTURED. No caller refunds
   * the charge of a tombstone, so it is refunded here.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async confirm(paymentId: string, signal: AbortSignal): Promise<Payment> {
    const { db, gateway, ledger, times } = this.#deps;
    try {
      const call = callGateway(signal, times, (limit) => gateway.void({ key: paymentId, signal: limit }));
      const answer = await awaitGateway(paymentId, call);
      if (answer.outcome === 'CAPTURED') return await this.#endCaptured(paymentId, answer.amount, signal);
      return await ledger.confirmVoid(paymentId, answer.outcome === 'VOIDED' ? answer.released : undefined);
    } catch (error) {
      // If the delay cannot be stored, the void is due when the lease of the claim ends.
      await deferVoid(db, paymentId, backoffOf(times)).catch(() => undefined);
      throw error;
    }
  }

  /** The answer to a void has no reference of the authorization, so the payment is looked up. */
  async #endCaptured(paymentId: string, amount: bigint, signal: AbortSignal): Promise<Payment> {
    const { gateway, ledger, times } = this.#deps;
    const call = callGateway(signal, times, (limit) => gateway.lookup({ key: paymentId, signal: limit }));
    const { authorization, currency, authorized, refunded } = await awaitGateway(paymentId, call);
    if (authorization?.outcome !== 'APPROVED' || currency === undefined)
      throw new Error(`the gateway captured payment ${paymentId}, but reports no approval`);
    const { reference } = authorization;
    if (!isTombstone(await ledger.find(paymentId)))
      return ledger.captureVoided(paymentId, { reference, amount });
    const charge = { id: paymentId, reference, currency, authorized, captured: amount, refunded };
    return this.#refundTombstone(charge, signal);
  }

  /** A declined refund leaves the payment CAPTURED: the caller of the void, or an operator, returns the money. */
  async #refundTombstone(
    charge: Omit<TombstoneCharge, 'fingerprint' | 'reason' | 'leaseMs'>,
    signal: AbortSignal,
  ): Promise<Payment> {
    const { ledger, refunds, times } = this.#deps;
    const rest = { paymentId: charge.id, requestId: charge.id, amount: undefined };
    const payment = await ledger.captureTombstone({
      ...charge,
      fingerprint: fingerprintOf(rest),
      reason: tombstoneReason,
      leaseMs: times.leaseMs,
    });
    if (payment.charge?.refundPending === 0n) return payment;
    await refunds.refund(rest, signal).catch((error: unknown) => {
      if (!isAppError(error, 'REFUND_DECLINED')) throw error;
    });
    return ledger.find(charge.id);
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
