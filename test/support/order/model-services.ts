import { AppError, type Reason } from '../../../pkg/errors/index.js';
import type { Money } from '../../../pkg/money/index.js';
import type { SagaOrder } from '../../../pkg/order/domain.js';

type ReservationState = 'RESERVED' | 'COMMITTED' | 'RELEASED' | 'RETURNED' | 'EXPIRED' | 'REFUSED';
type PaymentState =
  | 'PENDING'
  | 'ACTION_REQUIRED'
  | 'AUTHORIZED'
  | 'CAPTURED'
  | 'REFUNDED'
  | 'VOIDED'
  | 'DECLINED'
  | 'EXPIRED';

interface Payment {
  state: PaymentState;
  amount: bigint;
  captured: bigint;
  refunded: bigint;
  /** Whether the gateway declined the capture. */
  captureDeclined: boolean;
  /** Money that an operator's refund returns if the gateway does not decline it. */
  refundPending: bigint;
}

export type Method = 'reserve' | 'commit' | 'release' | 'authorize' | 'capture' | 'void' | 'refund';

/** What the model services decide on an order that they have not decided yet. PEND: the gateway answers later. */
export type Decision = 'APPROVE' | 'REFUSE' | 'EXPIRE' | 'WAIT' | 'PEND';

const refundReasons = {
  DECLINED: 'REFUND_DECLINED',
  CANCELLED: 'REFUND_CANCELLED',
  PENDING: 'PAYMENT_IN_DOUBT',
} as const;

/**
 * The state of one order in the inventory and payment services, as these services keep it: a stored refusal is repeated,
 * and a tombstone rejects a late request.
 */
export class ModelServices {
  #reservation: ReservationState | undefined;
  #payment: Payment | undefined;
  readonly #refunds = new Map<string, 'SUCCEEDED' | keyof typeof refundReasons>();

  constructor(readonly total: Money) {}

  get reservation(): ReservationState | undefined {
    return this.#reservation;
  }

  get payment(): Readonly<Payment> | undefined {
    return this.#payment;
  }

  /** Money and stock that the order has in the end. */
  get effects() {
    const { state, captured = 0n, refunded = 0n } = this.#payment ?? {};
    return {
      paid: captured - refunded,
      hasOpenAuthorization: state === 'AUTHORIZED' || state === 'ACTION_REQUIRED' || state === 'PENDING',
      stock:
        this.#reservation === 'RESERVED' || this.#reservation === 'COMMITTED' ? this.#reservation : 'NONE',
    };
  }

  /** Executes one call. @throws AppError for a refusal */
  execute(method: Method, decision: Decision, key: string): void {
    switch (method) {
      case 'reserve':
        return this.#reserve(decision);
      case 'commit':
        return this.#commit(decision);
      case 'release':
        return this.#release();
      case 'authorize':
        return this.#authorize(decision);
      case 'capture':
        return this.#capture(decision);
      case 'void':
        return this.#void();
      case 'refund':
        return this.#refund(decision, key);
    }
  }

  /** A failover to a standby that has not received the reservation. */
  loseReservation(): void {
    this.#reservation = undefined;
  }

  /** An operator refunds one minor unit of a captured payment. */
  refundPart(): void {
    const payment = this.#payment;
    if (payment?.state === 'CAPTURED' && payment.captured - payment.refunded > 1n) payment.refunded += 1n;
  }

  /** An operator refunds one minor unit of a captured payment, and the gateway decides later. */
  refundPartLater(): void {
    const payment = this.#payment;
    if (payment?.state === 'CAPTURED' && payment.captured - payment.refunded > 1n) payment.refundPending = 1n;
  }

  /** The earlier version refunds what a pending refund leaves. Returns false when none is pending. */
  refundBesidePending(): boolean {
    const payment = this.#payment;
    if (!payment || payment.refundPending === 0n) return false;
    payment.refunded = payment.captured - payment.refundPending;
    return true;
  }

  /** An operator returns the rest of the money outside the gateway. */
  refundExternally(): void {
    const payment = this.#payment;
    if (payment && payment.captured > 0n)
      Object.assign(payment, { state: 'REFUNDED', refunded: payment.captured });
  }

  /** Returns the state of the refund; a refund that is not known or pending is cancelled. */
  cancelRefund(key: string): 'SUCCEEDED' | 'REJECTED' | 'CANCELLED' {
    const known = this.#refunds.get(key);
    if (known === 'SUCCEEDED') return known;
    if (known === 'DECLINED') return 'REJECTED';
    this.#refunds.set(key, 'CANCELLED');
    return 'CANCELLED';
  }

  /** The gateway captures a payment after it declined the capture. */
  captureLate(): void {
    const payment = this.#payment;
    if (payment?.state === 'AUTHORIZED' && payment.captureDeclined)
      Object.assign(payment, { state: 'CAPTURED', captured: payment.amount, captureDeclined: false });
  }

  #reserve(decision: Decision): void {
    this.#reservation ??= decision === 'APPROVE' ? 'RESERVED' : 'REFUSED';
    if (this.#reservation === 'REFUSED') throw refusal('OUT_OF_STOCK');
    if (this.#reservation === 'RELEASED') throw refusal('RESERVATION_RELEASED');
  }

  #commit(decision: Decision): void {
    if (this.#reservation === 'RESERVED')
      this.#reservation = decision === 'APPROVE' ? 'COMMITTED' : 'EXPIRED';
    switch (this.#reservation) {
      case 'COMMITTED':
        return;
      case undefined:
        throw refusal('RESERVATION_NOT_FOUND');
      case 'EXPIRED':
        throw refusal('RESERVATION_EXPIRED');
      case 'REFUSED':
        throw refusal('ILLEGAL_TRANSITION');
      default:
        throw refusal('RESERVATION_RELEASED');
    }
  }

  #release(): void {
    this.#reservation ??= 'RELEASED';
    if (this.#reservation === 'COMMITTED') this.#reservation = 'RETURNED';
    if (this.#reservation === 'RESERVED') this.#reservation = 'RELEASED';
  }

  #authorize(decision: Decision): void {
    const decided = (
      {
        APPROVE: 'AUTHORIZED',
        REFUSE: 'DECLINED',
        EXPIRE: 'EXPIRED',
        WAIT: 'ACTION_REQUIRED',
        PEND: 'PENDING',
      } as const
    )[decision];
    this.#payment ??= {
      state: decided,
      amount: this.total.minor,
      captured: 0n,
      refunded: 0n,
      captureDeclined: false,
      refundPending: 0n,
    };
    if (this.#payment.state === 'ACTION_REQUIRED' || this.#payment.state === 'PENDING')
      this.#payment.state = decided;
    if (this.#payment.state === 'VOIDED') throw refusal('PAYMENT_VOIDED');
  }

  #capture(decision: Decision): void {
    const payment = this.#payment;
    if (!payment) throw refusal('PAYMENT_NOT_FOUND');
    if (payment.state === 'AUTHORIZED') {
      if (decision === 'EXPIRE') payment.state = 'EXPIRED';
      if (decision === 'REFUSE') payment.captureDeclined = true;
      if (decision === 'APPROVE' && !payment.captureDeclined)
        Object.assign(payment, { state: 'CAPTURED', captured: payment.amount });
    }
    if (payment.state === 'VOIDED' || payment.state === 'DECLINED' || isOpen(payment))
      throw refusal('ILLEGAL_TRANSITION');
  }

  #void(): void {
    this.#payment ??= {
      state: 'VOIDED',
      amount: this.total.minor,
      captured: 0n,
      refunded: 0n,
      captureDeclined: false,
      refundPending: 0n,
    };
    const { state } = this.#payment;
    if (state === 'CAPTURED' || state === 'REFUNDED') throw refusal('ILLEGAL_TRANSITION');
    if (state === 'AUTHORIZED' || isOpen(this.#payment)) this.#payment.state = 'VOIDED';
  }

  #refund(decision: Decision, key: string): void {
    const payment = this.#payment;
    if (!payment) throw refusal('PAYMENT_NOT_FOUND');
    if (payment.captured === 0n) throw refusal('ILLEGAL_TRANSITION');
    if (payment.refundPending > 0n) return this.#decidePart(payment, decision);
    const before = this.#refunds.get(key);
    const isDecided = before !== undefined && before !== 'PENDING';
    const known = isDecided ? before : decidedRefund(decision);
    if (!isDecided && known === 'SUCCEEDED')
      Object.assign(payment, { state: 'REFUNDED', refunded: payment.captured });
    this.#refunds.set(key, known);
    if (known !== 'SUCCEEDED') throw refusal(refundReasons[known]);
  }

  /** While another refund is pending, a refund of the rest is not stored. The next call finds the refund decided. */
  #decidePart(payment: Payment, decision: Decision): never {
    if (decision === 'APPROVE') payment.refunded += payment.refundPending;
    if (decision !== 'PEND') payment.refundPending = 0n;
    if (payment.refunded === payment.captured) payment.state = 'REFUNDED';
    throw refusal('PAYMENT_IN_DOUBT');
  }
}

function isOpen({ state }: Payment): boolean {
  return state === 'ACTION_REQUIRED' || state === 'PENDING';
}

function decidedRefund(decision: Decision): 'SUCCEEDED' | 'DECLINED' | 'PENDING' {
  if (decision === 'PEND') return 'PENDING';
  return decision === 'APPROVE' ? 'SUCCEEDED' : 'DECLINED';
}

export function refusal(reason: Reason): AppError {
  return new AppError({ reason, message: 'refused by the model' });
}

/** The money and stock that an order has in each state. */
export function expectedEffects({ state, total }: SagaOrder): ModelServices['effects'] {
  return state === 'CONFIRMED'
    ? { paid: total.minor, hasOpenAuthorization: false, stock: 'COMMITTED' }
    : { paid: 0n, hasOpenAuthorization: false, stock: 'NONE' };
}
