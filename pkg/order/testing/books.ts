import { expect } from 'chai';
import type { SagaOrder } from '../domain.js';
import type { RemoteStep, StepResult } from '../saga-plan.js';

/** Money and stock of one order, as the other services' books show it. */
export class Books {
  reserved = false;
  committed = false;
  released = false;
  authorized = false;
  captured = false;
  voided = false;
  refunded = false;
  /** Ids under which the order's stock and money were booked: one each, or something happened twice. */
  readonly keys = new Set<string>();
  readonly #done = new Set<RemoteStep>();
  readonly #refusals = new Map<RemoteStep, StepResult>();

  /** Writes a refusal down: it is definite, so it stays. What was done before is not refused any more. */
  refuse(step: RemoteStep, refusal: StepResult): StepResult {
    if (this.#done.has(step)) return { kind: 'done' };
    const known = this.#refusals.get(step) ?? refusal;
    this.#refusals.set(step, known);
    return known;
  }

  /** Lets a step take effect, unless it was refused or a tombstone stands in its way. */
  apply(step: RemoteStep, order: SagaOrder): StepResult {
    this.keys.add(`${order.reservationId} ${order.paymentId} ${order.total.minor} ${order.total.currency}`);
    const refusal = this.#refusals.get(step);
    if (refusal) return refusal;
    if (this.#isBlocked(step)) return tombstone;
    this.#book(step);
    this.#done.add(step);
    return { kind: 'done' };
  }

  #isBlocked(step: RemoteStep): boolean {
    switch (step) {
      case 'RESERVE_STOCK':
        return this.released;
      case 'COMMIT_STOCK':
        return !this.reserved;
      case 'AUTHORIZE_PAYMENT':
        return this.voided;
      case 'CAPTURE_PAYMENT':
        return this.voided || !this.authorized;
      case 'VOID_PAYMENT':
        return this.captured;
      case 'REFUND_PAYMENT':
      case 'RELEASE_STOCK':
        return false;
    }
  }

  #book(step: RemoteStep): void {
    switch (step) {
      case 'RESERVE_STOCK':
        this.reserved = true;
        break;
      case 'COMMIT_STOCK':
        this.committed = true;
        break;
      case 'RELEASE_STOCK':
        this.released = true;
        this.reserved = false;
        this.committed = false;
        break;
      case 'AUTHORIZE_PAYMENT':
        this.authorized = true;
        break;
      case 'CAPTURE_PAYMENT':
        this.captured = true;
        break;
      case 'VOID_PAYMENT':
        this.voided = true;
        break;
      case 'REFUND_PAYMENT':
        this.refunded = true;
        break;
    }
  }
}

const tombstone: StepResult = {
  kind: 'refused',
  rejection: { reason: 'STEP_REFUSED' },
  detail: 'tombstone',
};

/** Asserts that the books say what the order's state promises. */
export function expectTrueBooks(state: string, books: Books): void {
  expect(books.keys.size, 'ids in the books').to.be.at.most(1);
  const isTaken = books.captured && !books.refunded;
  const isBlocked = books.authorized && !books.captured && !books.voided;
  const { reserved, committed } = books;
  const isSold = state === 'CONFIRMED';
  expect({ isTaken, isBlocked, reserved, committed }, `books of an order that is ${state}`).to.deep.equal({
    isTaken: isSold,
    isBlocked: false,
    reserved: isSold,
    committed: isSold,
  });
}
