import type { Money } from '../money/index.js';
import type { Database, WaitLimits } from '../postgres/index.js';
import type { RetryTimes } from './background.js';
import {
  wasNeverAuthorized,
  type Change,
  type Decline,
  type OperatorNote,
  type Payment,
  type PaymentChange,
} from './domain.js';
import { awaitRecording } from './errors.js';
import type { PaymentEvents } from './events.js';
import type { PaymentBatches } from './payment-batches.js';
import { touchIntent, voidIntent, type IntentAnswer } from './intents/store.js';
import {
  captureTombstone,
  captureVoidedPayment,
  confirmVoid,
  declineCapture,
  expirePayment,
  insertVoidedPayment,
  voidPayment,
  type PaymentRequest,
  type TombstoneCharge,
  type VoidedCharge,
} from './payment-store.js';

export interface PaymentLedgerDeps {
  readonly db: Database;
  readonly batches: PaymentBatches;
  readonly events: PaymentEvents;
  readonly times: RetryTimes;
}

/**
 * Records gateway answers. If equal calls run concurrently, only one call makes the change and publishes the event, and
 * every call returns the changed payment. A database failure becomes PAYMENT_IN_DOUBT.
 */
export class PaymentLedger {
  readonly #deps: PaymentLedgerDeps;

  constructor(deps: PaymentLedgerDeps) {
    this.#deps = deps;
  }

  /** Inserts a PENDING payment. Returns undefined if the id is taken or the order has a live payment. */
  insertIntent(request: PaymentRequest, limits: WaitLimits = {}): Promise<Payment | undefined> {
    // Nothing has reached the gateway yet, so a failure of the database does not leave the payment in doubt.
    return this.#deps.batches.insertIntent(request, limits);
  }

  /** Records that a caller repeats its request for an intent. */
  async touchIntent(paymentId: string): Promise<void> {
    await awaitRecording(paymentId, touchIntent(this.#deps.db, paymentId, this.#deps.times.leaseMs));
  }

  /** Records the answer to an authorization. Returns the current payment if it is no longer an intent. */
  async recordAnswer(paymentId: string, answer: IntentAnswer): Promise<Payment> {
    const changed = await awaitRecording(
      paymentId,
      this.#deps.batches.recordAnswer({ id: paymentId, answer }),
    );
    const change = changed && changeOfAnswer(changed);
    if (change) this.#deps.events.changed(change);
    return changed ?? this.find(paymentId);
  }

  /** Voids an intent; the void at the gateway is then pending. Returns the current payment if it is not an intent. */
  voidIntent(paymentId: string, note: OperatorNote = {}): Promise<Payment> {
    return this.#voidIntent(paymentId, 0, note);
  }

  /** Voids an intent if no caller has repeated its request for a time. */
  abandonIntent(paymentId: string): Promise<Payment> {
    return this.#voidIntent(paymentId, this.#deps.times.abandonMs, {
      reason: 'the gateway does not know the authorization, and no caller repeats the request',
    });
  }

  async #voidIntent(paymentId: string, idleMs: number, note: OperatorNote): Promise<Payment> {
    const { db, times } = this.#deps;
    const { actor, reason } = note;
    const parameters = { id: paymentId, idleMs, leaseMs: times.leaseMs, actor, reason };
    const changed = await awaitRecording(paymentId, voidIntent(db, parameters));
    return this.#madeVoid(changed) ?? this.find(paymentId);
  }

  #madeVoid(made: Payment | undefined): Payment | undefined {
    if (made) this.#publish('VOID', made);
    return made && { ...made, holdsVoid: true };
  }

  /**
   * Inserts a VOIDED payment, so that the id cannot be authorized later. Returns the existing payment if the
   * id is taken.
   */
  async insertVoidTombstone(
    request: PaymentRequest | { readonly paymentId: string },
    note: OperatorNote = {},
  ): Promise<Payment> {
    const { db, times } = this.#deps;
    const created = await awaitRecording(
      request.paymentId,
      insertVoidedPayment(db, request, { ...note, leaseMs: times.leaseMs }),
    );
    return this.#madeVoid(created) ?? this.find(request.paymentId);
  }

  /** @throws Error if the stored state rules out a capture of this amount */
  async capture(paymentId: string, amount: bigint, note: OperatorNote = {}): Promise<Payment> {
    const capture = { id: paymentId, amount, ...note };
    const changed = await awaitRecording(paymentId, this.#deps.batches.capture(capture));
    if (changed) this.#publish('CAPTURE', changed, amount);
    const payment = changed ?? (await this.find(paymentId));
    if (payment.charge?.captured !== amount) throw outOfSync(payment);
    return payment;
  }

  /** @throws Error if the payment is neither AUTHORIZED nor ended by another call */
  async declineCapture(paymentId: string, decline: Decline): Promise<Payment> {
    const changed = await awaitRecording(paymentId, declineCapture(this.#deps.db, paymentId, decline));
    if (changed) this.#publish('CAPTURE_DECLINE', changed);
    const payment = changed ?? (await this.find(paymentId));
    if (!payment.captureDecline) throw outOfSync(payment);
    return payment;
  }

  /** @throws Error if the stored state rules out an expired authorization */
  async expire(paymentId: string): Promise<Payment> {
    const payment = await this.#expire(paymentId);
    if (payment.state !== 'EXPIRED') throw outOfSync(payment);
    return payment;
  }

  /**
   * Records that the gateway has no authorization left. Returns an EXPIRED payment, or a VOIDED one if another call has
   * recorded its void.
   *
   * @throws Error if the payment is captured
   */
  async expireReleased(paymentId: string): Promise<Payment> {
    const payment = await this.#expire(paymentId);
    if (payment.state !== 'EXPIRED' && payment.state !== 'VOIDED') throw outOfSync(payment);
    return payment;
  }

  async #expire(paymentId: string): Promise<Payment> {
    const changed = await awaitRecording(paymentId, expirePayment(this.#deps.db, paymentId));
    if (changed) this.#publish('EXPIRE', changed);
    return changed ?? this.find(paymentId);
  }

  /** @throws Error if the stored state rules out a void */
  async void(paymentId: string, note: OperatorNote = {}): Promise<Payment> {
    const changed = await awaitRecording(paymentId, voidPayment(this.#deps.db, paymentId, note));
    if (changed) this.#publish('VOID', changed, changed.charge?.authorized);
    const payment = changed ?? (await this.find(paymentId));
    if (payment.state !== 'VOIDED') throw outOfSync(payment);
    return payment;
  }

  /** Records the gateway's confirmation of a pending void, with the amount that the gateway released. */
  async confirmVoid(paymentId: string, released: Money | undefined): Promise<Payment> {
    const confirmed = await awaitRecording(paymentId, confirmVoid(this.#deps.db, paymentId, released));
    return confirmed ?? this.find(paymentId);
  }

  /** Records that the gateway captured the charge of a VOIDED payment. */
  async captureVoided(voided: Payment, charge: Omit<VoidedCharge, 'id'>): Promise<Payment> {
    const { id } = voided;
    const changed = await awaitRecording(id, captureVoidedPayment(this.#deps.db, { ...charge, id }));
    if (changed) {
      const wasApproved = voided.released !== undefined || !wasNeverAuthorized(voided);
      if (!wasApproved) this.#publish('AUTHORIZE', changed, changed.charge?.authorized);
      this.#publish('CAPTURE', changed, charge.captured);
      if (charge.refunded > 0n) this.#publish('REFUND', changed, charge.refunded);
    }
    const payment = changed ?? (await this.find(id));
    if (payment.charge?.captured !== charge.captured) throw outOfSync(payment);
    return payment;
  }

  /**
   * Records that the gateway captured the charge of a tombstone, and reserves the refund of what is left. Also returns
   * whether this call has reserved it.
   */
  async captureTombstone(charge: TombstoneCharge): Promise<{ payment: Payment; isReserved: boolean }> {
    const changed = await awaitRecording(charge.id, captureTombstone(this.#deps.db, charge));
    if (changed) {
      this.#publish('AUTHORIZE', changed, charge.authorized);
      this.#publish('CAPTURE', changed, charge.captured);
      if (charge.refunded > 0n) this.#publish('REFUND', changed, charge.refunded);
    }
    return { payment: changed ?? (await this.find(charge.id)), isReserved: changed !== undefined };
  }

  async find(paymentId: string): Promise<Payment> {
    const payment = await awaitRecording(paymentId, this.#deps.batches.find(paymentId));
    if (!payment) throw new Error(`payment ${paymentId} is missing`);
    return payment;
  }

  #publish(change: Change, payment: Payment, amount = 0n): void {
    this.#deps.events.changed({ change, payment, amount });
  }
}

/** Returns the change that the answer to an authorization has made; undefined for ACTION_REQUIRED. */
export function changeOfAnswer(payment: Payment): PaymentChange | undefined {
  if (payment.state === 'AUTHORIZED')
    return { change: 'AUTHORIZE', payment, amount: payment.charge?.authorized ?? 0n };
  if (payment.state === 'DECLINED') return { change: 'DECLINE', payment, amount: 0n };
  return payment.state === 'EXPIRED' ? { change: 'EXPIRE', payment, amount: 0n } : undefined;
}

function outOfSync({ id, state }: Payment): Error {
  return new Error(`payment ${id} is ${state}: not in sync with the gateway`);
}
