import { isAppError } from '../errors/index.js';
import { isTombstone, type OperatorNote, type Payment } from './domain.js';
import { backoffOf, callGateway, drain, type RetryTimes } from './background.js';
import { awaitGateway, awaitRecording, paymentPending } from './errors.js';
import type { GatewayRecord, PaymentGateway, VoidAnswer } from './gateway/gateway.js';
import type { PaymentLedger } from './ledger.js';
import {
  claimDueVoids,
  claimVoid,
  deferVoid,
  type ClaimedVoid,
  type TombstoneCharge,
} from './payment-store.js';
import { fingerprintOf, type RefundService } from './refunds/refund-service.js';
import type { Database } from '../postgres/index.js';

export interface PendingVoidsDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly ledger: PaymentLedger;
  readonly refunds: RefundService;
  readonly times: RetryTimes;
}

/** A void that came after a capture, with the gateway's record of the payment. */
type CapturedVoid = Extract<VoidAnswer, { outcome: 'CAPTURED' }> & { readonly record: GatewayRecord };
type VoidResult = Exclude<VoidAnswer, { outcome: 'CAPTURED' }> | CapturedVoid;

/** Reason of the refund of a captured tombstone, in the ledger. */
const tombstoneReason = 'the payment was voided before its charge was known';

/** Voids at the gateway the payments that are VOIDED in this database. */
export class PendingVoids {
  readonly #deps: PendingVoidsDeps;

  constructor(deps: PendingVoidsDeps) {
    this.#deps = deps;
  }

  /**
   * Confirms the pending void of one payment. Only the call that has made the void or claims it asks the gateway. While
   * another call holds its lease, and until the delay after a failed attempt has passed, the void is in doubt.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async confirm({ id, holdsVoid }: Payment, signal: AbortSignal): Promise<Payment> {
    const { db, ledger, times } = this.#deps;
    // A new void has begun its lease.
    const claimed = holdsVoid
      ? { paymentId: id, attempts: 0 }
      : await awaitRecording(id, claimVoid(db, id, times.leaseMs));
    if (claimed) return this.#confirmClaimed(claimed, signal);
    const payment = await ledger.find(id);
    if (payment.voidPending) throw paymentPending(id);
    return payment;
  }

  /**
   * Voids a VOIDED payment at the gateway again, for an operator. After a restore, the gateway may have captured the
   * payment, or may still hold its authorization.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async voidAgain(payment: Payment, signal: AbortSignal, note: OperatorNote): Promise<Payment> {
    const { id } = payment;
    const { times } = this.#deps;
    const call = callGateway(signal, times, (limit) => this.#ask(id, limit));
    const answer = await awaitGateway(id, call);
    return answer.outcome === 'CAPTURED' ? this.#endCaptured(id, answer, { signal, note }) : payment;
  }

  /**
   * Voids one payment at the gateway. The gateway then cannot authorize the payment. If the gateway captured the payment
   * before the void, for example for a replica of an earlier version, the payment becomes CAPTURED. No caller refunds
   * the charge of a tombstone, so it is refunded here.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async #confirmClaimed(claimed: ClaimedVoid, signal: AbortSignal): Promise<Payment> {
    const { db, ledger, times } = this.#deps;
    const { paymentId } = claimed;
    try {
      const call = callGateway(signal, times, (limit) => this.#ask(paymentId, limit));
      const answer = await awaitGateway(paymentId, call);
      if (answer.outcome === 'CAPTURED') return await this.#endCaptured(paymentId, answer, { signal });
      return await ledger.confirmVoid(paymentId, answer.outcome === 'VOIDED' ? answer.released : undefined);
    } catch (error) {
      // If the delay cannot be stored, the void is due when the lease of the claim ends.
      await deferVoid(db, claimed, backoffOf(times)).catch(() => undefined);
      throw error;
    }
  }

  /** The answer to a void has no reference of the authorization, so a captured payment is looked up. */
  async #ask(key: string, signal: AbortSignal): Promise<VoidResult> {
    const { gateway } = this.#deps;
    const answer = await gateway.void({ key, signal });
    if (answer.outcome !== 'CAPTURED') return answer;
    return { ...answer, record: await gateway.lookup({ key, signal }) };
  }

  async #endCaptured(
    paymentId: string,
    { amount: captured, record }: CapturedVoid,
    { signal, note = {} }: { readonly signal: AbortSignal; readonly note?: OperatorNote },
  ): Promise<Payment> {
    const { ledger } = this.#deps;
    const { authorization, currency, authorized, refunded } = record;
    if (authorization?.outcome !== 'APPROVED' || currency === undefined)
      throw new Error(`the gateway captured payment ${paymentId}, but reports no approval`);
    const { reference } = authorization;
    const payment = await ledger.find(paymentId);
    if (!isTombstone(payment))
      return ledger.captureVoided(payment, { reference, captured, refunded, ...note });
    const charge = { id: paymentId, reference, currency, authorized, captured, refunded, note };
    return this.#refundTombstone(charge, signal);
  }

  /** A declined refund leaves the payment CAPTURED: the caller of the void, or an operator, returns the money. */
  async #refundTombstone(
    charge: Omit<TombstoneCharge, 'fingerprint' | 'reason' | 'leaseMs'>,
    signal: AbortSignal,
  ): Promise<Payment> {
    const { ledger, refunds, times } = this.#deps;
    const rest = { paymentId: charge.id, requestId: charge.id, amount: undefined };
    const { payment, isReserved } = await ledger.captureTombstone({
      ...charge,
      fingerprint: fingerprintOf(rest),
      reason: tombstoneReason,
      leaseMs: times.leaseMs,
    });
    if (payment.charge?.refundPending === 0n) return payment;
    await refunds.refund({ ...rest, isReserved }, signal).catch((error: unknown) => {
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
        attempt: (claimed) => this.#confirmClaimed(claimed, signal),
      },
      signal,
    );
  }
}
