import type { Money } from '../money/index.js';
import type { Database } from '../postgres/index.js';
import type { Change, Decline, Payment } from './domain.js';
import type { PaymentEvents } from './events.js';
import {
  capturePayment,
  confirmVoid,
  findPayment,
  insertAnsweredPayment,
  insertVoidedPayment,
  voidPayment,
  type PaymentRequest,
} from './payment-store.js';
import { booked } from './refusals.js';

export interface PaymentBooksDeps {
  readonly db: Database;
  readonly events: PaymentEvents;
  /** Time after which an owed void is due again, milliseconds. */
  readonly retryMs: number;
}

/**
 * Books what the gateway has said. Of equal calls one makes the change and tells of it, all return it.
 * What cannot be booked now is PAYMENT_IN_DOUBT.
 */
export class PaymentBooks {
  readonly #deps: PaymentBooksDeps;

  constructor(deps: PaymentBooksDeps) {
    this.#deps = deps;
  }

  /** Undefined if the id is taken or the order has a live payment. */
  async authorize(
    request: PaymentRequest,
    answer: { readonly reference: string } | { readonly decline: Decline },
  ): Promise<Payment | undefined> {
    const made = await booked(request.paymentId, insertAnsweredPayment(this.#deps.db, request, answer));
    if (made) this.#tell(made.decline ? 'DECLINE' : 'AUTHORIZE', made, made.charge?.authorized);
    return made;
  }

  /** Sees to it that the payment, unless it is there already, will never be made. */
  async leaveVoided(request: PaymentRequest | { readonly paymentId: string }): Promise<Payment> {
    const { db, retryMs } = this.#deps;
    const made = await booked(request.paymentId, insertVoidedPayment(db, request, retryMs));
    if (made) this.#tell('VOID', made);
    return made ?? this.#find(request.paymentId);
  }

  /** @throws Error if it cannot have been captured with this amount: the books disagree */
  async capture(paymentId: string, amount: bigint): Promise<Payment> {
    const changed = await booked(paymentId, capturePayment(this.#deps.db, paymentId, amount));
    if (changed) this.#tell('CAPTURE', changed, amount);
    const payment = changed ?? (await this.#find(paymentId));
    if (payment.charge?.captured !== amount) throw disagreement(payment);
    return payment;
  }

  /** @throws Error if it cannot have been voided: the books disagree */
  async void(paymentId: string): Promise<Payment> {
    const changed = await booked(paymentId, voidPayment(this.#deps.db, paymentId));
    if (changed) this.#tell('VOID', changed, changed.charge?.authorized);
    const payment = changed ?? (await this.#find(paymentId));
    if (payment.state !== 'VOIDED') throw disagreement(payment);
    return payment;
  }

  /** Books that the gateway holds a void that it owed, and what it released. */
  async confirmVoid(paymentId: string, released: Money | undefined): Promise<Payment> {
    const confirmed = await booked(paymentId, confirmVoid(this.#deps.db, paymentId, released));
    return confirmed ?? this.#find(paymentId);
  }

  #tell(change: Change, payment: Payment, amount = 0n): void {
    this.#deps.events.changed({ change, payment, amount });
  }

  async #find(paymentId: string): Promise<Payment> {
    const payment = await booked(paymentId, findPayment(this.#deps.db, paymentId));
    if (!payment) throw new Error(`payment ${paymentId} is gone`);
    return payment;
  }
}

function disagreement({ id, state }: Payment): Error {
  return new Error(`payment ${id} is ${state}, the gateway says otherwise`);
}
