import type { Money } from '../money/index.js';
import { inBackgroundSpan } from '../observability/index.js';
import type { Database } from '../postgres/index.js';
import { attemptAll } from './attempts.js';
import { Authorizer, type Authorization } from './authorizer.js';
import { verdicts, type Payment } from './domain.js';
import type { PaymentEvents } from './events.js';
import { GatewayInDoubt, type GatewayBooks, type PaymentGateway } from './gateway.js';
import { confirmOwedVoid } from './owed-void.js';
import { PaymentBooks } from './payment-books.js';
import { listPayments, type Page, type PageRequest } from './payment-list-store.js';
import { claimUnconfirmedVoids, findPayment } from './payment-store.js';
import {
  currencyMismatch,
  gatewayUnavailable,
  illegalTransition,
  keyReused,
  moreThanAuthorized,
  paymentNotFound,
  settled,
} from './refusals.js';

export interface PaymentServiceDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly events: PaymentEvents;
  /** Time after which a void without the gateway's answer is asked again, milliseconds. */
  readonly retryMs: number;
}

/** Payments claimed at once by one replica to repeat their void. */
const claimLimit = 20;

/**
 * Moves payments through their states. The gateway decides and the payments table follows: no
 * transaction is open while the gateway is asked, its answer is stored as it is, and while it is in
 * doubt nothing is. Nothing is retried here: callers repeat.
 */
export class PaymentService {
  readonly #deps: PaymentServiceDeps;
  readonly #books: PaymentBooks;
  readonly #authorizer: Authorizer;

  constructor(deps: PaymentServiceDeps) {
    this.#deps = deps;
    this.#books = new PaymentBooks(deps);
    this.#authorizer = new Authorizer({ ...deps, books: this.#books });
  }

  /** @throws AppError as {@link Authorizer.authorize} */
  authorize(authorization: Authorization, signal: AbortSignal): Promise<Payment> {
    return this.#authorizer.authorize(authorization, signal);
  }

  /**
   * Takes `requested` of the authorization, or all of it. Keyed by the payment: once captured, an
   * equal or unset amount is answered with the payment, another one with REQUEST_ID_REUSED.
   *
   * @throws AppError PAYMENT_IN_DOUBT, PAYMENT_NOT_FOUND, ILLEGAL_TRANSITION, CURRENCY_MISMATCH,
   *   REQUEST_ID_REUSED, or VALIDATION_FAILED for more than is authorized
   */
  async capture(paymentId: string, requested: Money | undefined, signal: AbortSignal): Promise<Payment> {
    const payment = await this.get(paymentId);
    checkAmount(payment, requested);
    const verdict = verdicts.CAPTURE[payment.state];
    const amount = requested?.minor ?? payment.charge?.amount;
    if (verdict === 'REFUSE' || amount === undefined) throw illegalTransition(payment, 'CAPTURE');
    if (verdict === 'ANSWER') return answerCapture(payment, requested);
    const asked = this.#deps.gateway.capture({ key: paymentId, amount, signal });
    const answer = await settled(paymentId, asked);
    switch (answer.outcome) {
      case 'CAPTURED':
        return answerCapture(await this.#books.capture(paymentId, answer.amount), requested);
      case 'VOIDED':
        throw illegalTransition(await this.#books.void(paymentId), 'CAPTURE');
      case 'NOT_AUTHORIZED':
        throw new Error(`the gateway does not hold what payment ${paymentId} was authorized for`);
    }
  }

  /**
   * Gives up an authorization; of a payment not seen yet, leaves a tombstone.
   *
   * @throws AppError PAYMENT_IN_DOUBT, or ILLEGAL_TRANSITION once captured
   */
  async void(paymentId: string, signal: AbortSignal): Promise<Payment> {
    const { db, gateway } = this.#deps;
    const payment = (await findPayment(db, paymentId)) ?? (await this.#books.leaveVoided({ paymentId }));
    switch (verdicts.VOID[payment.state]) {
      case 'REFUSE':
        throw illegalTransition(payment, 'VOID');
      case 'ANSWER':
        return payment.owesVoid ? this.#confirmVoid(paymentId, signal) : payment;
      case 'ACT': {
        const answer = await settled(paymentId, gateway.void({ key: paymentId, signal }));
        if (answer.outcome === 'VOIDED') return this.#books.void(paymentId);
        throw illegalTransition(await this.#books.capture(paymentId, answer.amount), 'VOID');
      }
    }
  }

  /** @throws AppError PAYMENT_NOT_FOUND */
  async get(paymentId: string): Promise<Payment> {
    const payment = await findPayment(this.#deps.db, paymentId);
    if (!payment) throw paymentNotFound(paymentId);
    return payment;
  }

  /** What the gateway says of a payment. @throws AppError DEPENDENCY_UNAVAILABLE */
  async audit(paymentId: string, signal: AbortSignal): Promise<GatewayBooks> {
    try {
      return await this.#deps.gateway.lookup({ key: paymentId, signal });
    } catch (error) {
      throw error instanceof GatewayInDoubt ? gatewayUnavailable(error) : error;
    }
  }

  list(page: PageRequest): Promise<Page> {
    return listPayments(this.#deps.db, page);
  }

  /**
   * Repeats voids that the gateway has not confirmed in time. Replicas share the work.
   *
   * @throws AggregateError of those that failed again
   */
  async confirmDueVoids(signal: AbortSignal): Promise<void> {
    const due = await claimUnconfirmedVoids(this.#deps.db, this.#deps.retryMs, claimLimit);
    await attemptAll(
      due.map((id) =>
        inBackgroundSpan({ name: 'payment.confirm_void', attributes: { 'payment.id': id } }, () =>
          this.#confirmVoid(id, signal),
        ),
      ),
    );
  }

  #confirmVoid(paymentId: string, signal: AbortSignal): Promise<Payment> {
    const { gateway } = this.#deps;
    return confirmOwedVoid(paymentId, signal, { gateway, books: this.#books });
  }
}

function checkAmount({ id, charge }: Payment, requested: Money | undefined): void {
  if (!charge || !requested) return;
  if (requested.currency !== charge.currency) throw currencyMismatch(id, charge.currency);
  if (requested.minor > charge.amount) throw moreThanAuthorized();
}

function answerCapture(payment: Payment, requested: Money | undefined): Payment {
  if (requested && requested.minor !== payment.charge?.captured) throw keyReused('payment_id', payment.id);
  return payment;
}
