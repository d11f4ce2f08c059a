import { expect } from 'chai';
import { isAppError } from '../../pkg/errors/index.js';
import { money, toWire } from '../../pkg/money/index.js';
import {
  PaymentState,
  PaymentView,
  type AuthorizePaymentRequest,
  type Payment,
} from '../../pkg/pb/payment/v1/payment.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import type { PaymentClient } from './payment-server.js';

/** An authorization of 10.00 USD that is approved, for an order and a payment of its own. */
export function anAuthorization(init: Partial<AuthorizePaymentRequest> = {}): AuthorizePaymentRequest {
  return {
    paymentId: uuidv7(),
    orderId: uuidv7(),
    amount: usd(1000),
    paymentMethod: 'pm_approve',
    ...init,
  };
}

export function usd(minor: number | bigint): ReturnType<typeof toWire> {
  return toWire(money('USD', minor));
}

/** What an answer without a payment means to a test. */
export function paid(response: { payment?: Payment | undefined }): Payment {
  if (!response.payment) throw new Error('the response has no payment');
  return response.payment;
}

export async function authorized(
  client: PaymentClient,
  init: Partial<AuthorizePaymentRequest> = {},
): Promise<Payment> {
  const payment = paid(await client.authorizePayment(anAuthorization(init)));
  expect(PaymentState[payment.state]).to.equal('AUTHORIZED');
  return payment;
}

export async function captured(
  client: PaymentClient,
  init: Partial<AuthorizePaymentRequest> = {},
): Promise<Payment> {
  const { paymentId } = await authorized(client, init);
  return paid(await client.capturePayment({ paymentId, amount: undefined }));
}

/** The payment with what the gateway's books say of it. */
export async function audited(client: PaymentClient, paymentId: string): Promise<Payment> {
  return paid(await client.getPayment({ paymentId, view: PaymentView.AUDIT }));
}

/** Minor units of an amount with two decimals; unset is none. */
export function cents(amount: { units: bigint; nanos: number } | undefined): number {
  return amount ? Number(amount.units) * 100 + amount.nanos / 10_000_000 : 0;
}

/** Fails unless both books tell the same of a payment about which nothing is in doubt. */
export function expectBooksAgree({ state, audit, ...payment }: Payment): void {
  const isVoided = state === PaymentState.VOIDED;
  expect(audit?.captureCount).to.be.at.most(1);
  expect(audit?.voided, 'voided at the gateway').to.equal(isVoided);
  expect(cents(audit?.capturedAmount), 'captured').to.equal(cents(payment.capturedAmount));
  expect(cents(audit?.refundedAmount), 'refunded').to.equal(cents(payment.refundedAmount));
  expect(cents(audit?.authorizedAmount), 'authorized').to.equal(cents(payment.authorizedAmount));
  expect(audit?.authorizationCount).to.equal(cents(payment.authorizedAmount) > 0 ? 1 : 0);
}

/** Repeats a call until its answer is no longer in doubt, as callers are told to. */
export async function untilKnown<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; attempt < 20; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isAppError(error, 'PAYMENT_IN_DOUBT')) throw error;
    }
  }
  return call();
}
