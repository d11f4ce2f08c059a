import { expect } from 'chai';
import { isAppError } from '../../../pkg/errors/index.js';
import { money, toWire } from '../../../pkg/money/index.js';
import {
  PaymentResult,
  PaymentState,
  PaymentView,
  type AuthorizePaymentRequest,
  type CapturePaymentRequest,
  type Payment,
} from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { waitFor } from '../../support/wait-for.js';
import type { PaymentClient } from './server.js';

const allResults = [PaymentResult.ACTION_REQUIRED, PaymentResult.EXPIRED, PaymentResult.CAPTURE_DECLINED];

/** A request to authorize 10.00 USD with a new payment id and order id. The gateway approves the request. */
export function anAuthorization(overrides: Partial<AuthorizePaymentRequest> = {}): AuthorizePaymentRequest {
  return {
    paymentId: uuidv7(),
    orderId: uuidv7(),
    amount: usd(1000),
    paymentMethod: 'pm_approve',
    acceptedResults: allResults,
    ...overrides,
  };
}

/** A request to capture `amount`, by default the whole authorized amount. */
export function aCapture(paymentId: string, amount?: CapturePaymentRequest['amount']): CapturePaymentRequest {
  return { paymentId, amount, acceptedResults: allResults };
}

export function usd(minor: number | bigint): ReturnType<typeof toWire> {
  return toWire(money('USD', minor));
}

/** @throws Error if the response has no payment */
export function paymentOf(response: { payment?: Payment | undefined }): Payment {
  if (!response.payment) throw new Error('the response has no payment');
  return response.payment;
}

export async function authorized(
  client: PaymentClient,
  overrides: Partial<AuthorizePaymentRequest> = {},
): Promise<Payment> {
  const payment = paymentOf(await client.authorizePayment(anAuthorization(overrides)));
  expect(PaymentState[payment.state]).to.equal('AUTHORIZED');
  return payment;
}

export async function captured(
  client: PaymentClient,
  overrides: Partial<AuthorizePaymentRequest> = {},
): Promise<Payment> {
  const { paymentId } = await authorized(client, overrides);
  return paymentOf(await client.capturePayment(aCapture(paymentId)));
}

/** Returns the payment with the gateway's own record. */
export async function audited(client: PaymentClient, paymentId: string): Promise<Payment> {
  return paymentOf(await client.getPayment({ paymentId, view: PaymentView.AUDIT }));
}

/** Returns the minor units of an amount in a currency with two decimals; 0 for an unset amount. */
export function cents(amount: { units: bigint; nanos: number } | undefined): number {
  return amount ? Number(amount.units) * 100 + amount.nanos / 10_000_000 : 0;
}

/** Expects that the payment is in sync with the gateway. The payment must not be in doubt. */
export function expectInSync({ state, audit, ...payment }: Payment): void {
  const isVoided = state === PaymentState.VOIDED;
  expect(audit?.captureCount).to.be.at.most(1);
  expect(audit?.voided, 'voided at the gateway').to.equal(isVoided);
  expect(cents(audit?.capturedAmount), 'captured').to.equal(cents(payment.capturedAmount));
  const refundedByGateway = cents(payment.refundedAmount) - cents(payment.externallyRefundedAmount);
  expect(cents(audit?.refundedAmount), 'refunded').to.equal(refundedByGateway);
  expect(cents(audit?.authorizedAmount), 'authorized').to.equal(cents(payment.authorizedAmount));
  expect(audit?.authorizationCount).to.equal(cents(payment.authorizedAmount) > 0 ? 1 : 0);
}

/** Ends the lease, or the delay after a failed attempt, of each pending refund of a payment. */
export const makeRefundDue = sql(
  'test.make_refund_due',
  `update refunds set retry_at = now() where payment_id = $paymentId and state = 'PENDING'`,
);

/** Repeats a call while it fails with PAYMENT_IN_DOUBT, as clients do. */
export function repeatInDoubt<T>(call: () => Promise<T>): Promise<T> {
  const probe = (): Promise<T | undefined> =>
    call().catch((error: unknown) => {
      if (!isAppError(error, 'PAYMENT_IN_DOUBT')) throw error;
      return undefined;
    });
  return waitFor(probe, 'response without PAYMENT_IN_DOUBT');
}
