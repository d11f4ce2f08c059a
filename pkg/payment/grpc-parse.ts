import { textRules, Validation } from '../errors/index.js';
import { positiveFromWire, type Money, type WireMoney } from '../money/index.js';
import {
  PaymentView,
  type AuthorizePaymentRequest,
  type CapturePaymentRequest,
  type GetPaymentRequest,
  type ListPaymentsRequest,
  type RefundPaymentRequest,
  type VoidPaymentRequest,
} from '../pb/payment/v1/payment.js';
import { decodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import type { IdSource } from '../runtime/index.js';
import type { Authorization } from './authorizer.js';
import type { PageKey, PageRequest } from './payment-list-store.js';
import type { RefundRequest } from './refund-service.js';

export function parseAuthorize(request: AuthorizePaymentRequest): Authorization {
  const check = new Validation();
  const authorization = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    orderId: check.text('order_id', request.orderId, textRules.uuid),
    amount: readAmount(check, request.amount),
    method: check.text('payment_method', request.paymentMethod, textRules.paymentMethod),
  };
  check.throwIfAny();
  return authorization;
}

export function parseCapture(request: CapturePaymentRequest): {
  paymentId: string;
  amount: Money | undefined;
} {
  const check = new Validation();
  const capture = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    amount: request.amount && readAmount(check, request.amount),
  };
  check.throwIfAny();
  return capture;
}

export function parseVoid(request: VoidPaymentRequest): { paymentId: string } {
  const check = new Validation();
  const paymentId = check.text('payment_id', request.paymentId, textRules.uuid);
  check.throwIfAny();
  return { paymentId };
}

/** An empty `request_id` gets one of its own, so that a repeat is another refund. */
export function parseRefund(newId: IdSource): (request: RefundPaymentRequest) => RefundRequest {
  return (request) => {
    const check = new Validation();
    const refund = {
      paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
      requestId: check.text('request_id', request.requestId, textRules.requestId) || newId(),
      amount: request.amount && readAmount(check, request.amount),
    };
    check.throwIfAny();
    return refund;
  };
}

export function parseGet(request: GetPaymentRequest): { paymentId: string; withAudit: boolean } {
  const check = new Validation();
  const paymentId = check.text('payment_id', request.paymentId, textRules.uuid);
  check.require(
    [PaymentView.UNSPECIFIED, PaymentView.BASIC, PaymentView.AUDIT].includes(request.view),
    'view',
    'is not a PaymentView',
  );
  check.throwIfAny();
  return { paymentId, withAudit: request.view === PaymentView.AUDIT };
}

/** @throws AppError INVALID_PAGE_TOKEN */
export function parseList(request: ListPaymentsRequest): PageRequest {
  const check = new Validation();
  const orderId = check.text('order_id', request.orderId, { ...textRules.uuid, optional: true });
  check.require(
    request.pageSize >= 0 && request.pageSize <= pageSizes.maximum,
    'page_size',
    `must be from 0 to ${pageSizes.maximum}`,
  );
  check.throwIfAny();
  return {
    orderId: orderId === '' ? undefined : orderId,
    after: readPageKey(decodePageToken(request.pageToken, 2, [orderId])),
    size: pageSizeOf(request.pageSize),
  };
}

/** What stands in for an amount that is wrong never leaves this file: `throwIfAny` follows. */
const noAmount: Money = { currency: '', minor: 0n };

function readAmount(check: Validation, wire: WireMoney | undefined): Money {
  const amount = positiveFromWire(wire);
  if (typeof amount !== 'string') return amount;
  check.fail('amount', amount);
  return noAmount;
}

function readPageKey(key: readonly string[] | undefined): PageKey | undefined {
  if (!key) return undefined;
  const [time = '', id = ''] = key;
  const createdAt = new Date(time);
  const isTime = /^[1-9]\d{3}-/.test(time) && !Number.isNaN(createdAt.getTime());
  if (!isTime || !textRules.uuid.pattern.test(id)) throw invalidToken();
  return { createdAt, id };
}
