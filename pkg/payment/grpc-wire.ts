import { toWire, type Money } from '../money/index.js';
import {
  DeclineAdvice,
  DeclineCode,
  GatewayTransactionKind,
  PaymentState,
  type GatewayAudit,
  type ListGatewayTransactionsResponse,
  type ListPaymentsResponse,
  Payment as WirePayment,
} from '../pb/payment/v1/payment.js';
import { encodePageToken } from '../rpc/index.js';
import type { Charge, Decline, Payment } from './domain.js';
import type { GatewayRecord } from './gateway/gateway.js';
import type { Page, PageRequest } from './listing/store.js';
import type { TransactionPage, TransactionRequest } from './service.js';

export function toWirePayment(payment: Payment, record?: GatewayRecord): WirePayment {
  const { charge, decline, captureDecline, action, released } = payment;
  return {
    paymentId: payment.id,
    orderId: charge?.orderId ?? '',
    state: PaymentState[payment.state],
    amount: wireAmount(charge, 'amount'),
    authorizedAmount: released ? toWire(released) : wireAmount(charge, 'authorized'),
    capturedAmount: wireAmount(charge, 'captured'),
    refundedAmount: wireAmount(charge, 'refunded'),
    decline: decline && wireDecline(decline),
    captureDecline: captureDecline && wireDecline(captureDecline),
    action: action && { url: action.url, dueTime: action.dueAt },
    refundPendingAmount: wireAmount(charge, 'refundPending'),
    externallyRefundedAmount: wireAmount(charge, 'externallyRefunded'),
    createTime: payment.createdAt,
    updateTime: payment.updatedAt,
    audit: record && toAudit(record),
  };
}

export function toWirePage({ payments, hasMore }: Page, { orderId }: PageRequest): ListPaymentsResponse {
  const last = hasMore ? payments.at(-1) : undefined;
  return {
    payments: payments.map((payment) => toWirePayment(payment)),
    nextPageToken: last ? encodePageToken([last.createdAt.toISOString(), last.id], [orderId ?? '']) : '',
  };
}

/** A payment of which only the gateway has a record: it has no state here. */
export function toGatewayOnlyPayment(paymentId: string, record: GatewayRecord): WirePayment {
  return WirePayment.fromPartial({ paymentId, audit: toAudit(record) });
}

export function toWireTransactions(
  { transactions, known, hasMore }: TransactionPage,
  { paymentId }: TransactionRequest,
): ListGatewayTransactionsResponse {
  const last = hasMore ? transactions.at(-1) : undefined;
  return {
    transactions: transactions.map(({ id, key, kind, amount, createdAt }) => ({
      transactionId: id,
      paymentId: key,
      kind: GatewayTransactionKind[kind],
      amount: amount && toWire(amount),
      time: createdAt,
      paymentKnown: known.has(key),
    })),
    nextPageToken: last ? encodePageToken([last.id], [paymentId ?? '']) : '',
  };
}

function wireDecline({ code, advice }: Decline): NonNullable<WirePayment['decline']> {
  return { code: DeclineCode[code], advice: DeclineAdvice[advice] };
}

function wireAmount(
  charge: Charge | undefined,
  kind: 'amount' | 'authorized' | 'captured' | 'refunded' | 'refundPending' | 'externallyRefunded',
): ReturnType<typeof toWire> | undefined {
  return charge && toWire({ currency: charge.currency, minor: charge[kind] });
}

function toAudit({ currency, ...record }: GatewayRecord): GatewayAudit {
  const wire = (minor: bigint): ReturnType<typeof toWire> | undefined =>
    currency === undefined ? undefined : toWire({ currency, minor } satisfies Money);
  return {
    authorizationCount: record.authorizationCount,
    captureCount: record.captureCount,
    authorizedAmount: wire(record.authorized),
    capturedAmount: wire(record.captured),
    refundedAmount: wire(record.refunded),
    voided: record.voided,
    pending: record.pending,
  };
}
