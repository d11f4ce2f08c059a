import { toWire, type Money } from '../money/index.js';
import {
  DeclineAdvice,
  DeclineCode,
  PaymentState,
  type GatewayAudit,
  type ListPaymentsResponse,
  type Payment as WirePayment,
} from '../pb/payment/v1/payment.js';
import { encodePageToken } from '../rpc/index.js';
import type { Charge, Payment } from './domain.js';
import type { GatewayBooks } from './gateway.js';
import type { Page, PageRequest } from './payment-list-store.js';

export function toWirePayment(payment: Payment, books?: GatewayBooks): WirePayment {
  const { charge, decline, released } = payment;
  return {
    paymentId: payment.id,
    orderId: charge?.orderId ?? '',
    state: PaymentState[payment.state],
    amount: wireAmount(charge, 'amount'),
    authorizedAmount: released ? toWire(released) : wireAmount(charge, 'authorized'),
    capturedAmount: wireAmount(charge, 'captured'),
    refundedAmount: wireAmount(charge, 'refunded'),
    decline: decline && { code: DeclineCode[decline.code], advice: DeclineAdvice[decline.advice] },
    createTime: payment.createdAt,
    updateTime: payment.updatedAt,
    audit: books && toAudit(books),
  };
}

export function toWirePage({ payments, hasMore }: Page, { orderId }: PageRequest): ListPaymentsResponse {
  const last = hasMore ? payments.at(-1) : undefined;
  return {
    payments: payments.map((payment) => toWirePayment(payment)),
    nextPageToken: last ? encodePageToken([last.createdAt.toISOString(), last.id], [orderId ?? '']) : '',
  };
}

function wireAmount(
  charge: Charge | undefined,
  kind: 'amount' | 'authorized' | 'captured' | 'refunded',
): ReturnType<typeof toWire> | undefined {
  return charge && toWire({ currency: charge.currency, minor: charge[kind] });
}

function toAudit({ currency, ...books }: GatewayBooks): GatewayAudit {
  const wire = (minor: bigint): ReturnType<typeof toWire> | undefined =>
    currency === undefined ? undefined : toWire({ currency, minor } satisfies Money);
  return {
    authorizationCount: books.authorizationCount,
    captureCount: books.captureCount,
    authorizedAmount: wire(books.authorized),
    capturedAmount: wire(books.captured),
    refundedAmount: wire(books.refunded),
    voided: books.voided,
  };
}
