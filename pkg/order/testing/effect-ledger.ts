import { expect } from 'chai';
import type { SagaOrder } from '../domain.js';
import type { RemoteStep, StepResult } from '../saga/plan.js';
import { aRefusal } from './builders.js';

/** The effects of one order in the fake inventory and payment services. */
export class EffectLedger {
  reserved = false;
  committed = false;
  released = false;
  authorized = false;
  captured = false;
  voided = false;
  refunded = false;
  /**
   * Ids and total that each call of `apply` used. More than one key means that two calls used different ids or totals.
   */
  readonly keys = new Set<string>();
  readonly #done = new Set<RemoteStep>();
  readonly #refusals = new Map<RemoteStep, StepResult>();

  /** Stores a refusal, which all later calls of the step return. A step that is already done is not refused. */
  refuse(step: RemoteStep, refusal: StepResult): StepResult {
    if (this.#done.has(step)) return { kind: 'done' };
    const known = this.#refusals.get(step) ?? refusal;
    this.#refusals.set(step, known);
    return known;
  }

  /** Deletes the stored refusal of a step. */
  forgetRefusal(step: RemoteStep): void {
    this.#refusals.delete(step);
  }

  /** Applies the effect of a step, unless a stored refusal or a tombstone stops the effect. */
  apply(step: RemoteStep, order: SagaOrder): StepResult {
    this.keys.add(`${order.reservationId} ${order.paymentId} ${order.total.minor} ${order.total.currency}`);
    const refusal = this.#refusals.get(step);
    if (refusal) return refusal;
    // A void of a captured payment has no effect.
    if (this.#isBlocked(step)) return step === 'VOID_PAYMENT' ? { ...tombstone, effect: 'NONE' } : tombstone;
    this.#record(step);
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

  #record(step: RemoteStep): void {
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

const tombstone = aRefusal({ reason: 'STEP_REFUSED' }, 'tombstone');

/** Asserts that stock and money agree with the state of a terminal order. */
export function expectConsistentLedger(state: string, ledger: EffectLedger): void {
  expect(ledger.keys.size, 'keys of the ledger').to.be.at.most(1);
  const isPaid = ledger.captured && !ledger.refunded;
  const hasOpenAuthorization = ledger.authorized && !ledger.captured && !ledger.voided;
  const { reserved, committed } = ledger;
  const isConfirmed = state === 'CONFIRMED';
  expect(
    { isPaid, hasOpenAuthorization, reserved, committed },
    `ledger of an order that is ${state}`,
  ).to.deep.equal({
    isPaid: isConfirmed,
    hasOpenAuthorization: false,
    reserved: isConfirmed,
    committed: isConfirmed,
  });
}
