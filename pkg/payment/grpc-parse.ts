import { textRules, Validation } from '../errors/index.js';
import { positiveFromWire, type Money, type WireMoney } from '../money/index.js';
import {
  PaymentResult,
  PaymentView,
  type AuthorizePaymentRequest,
  type CancelRefundRequest,
  type CapturePaymentRequest,
  type GetPaymentRequest,
  type ListGatewayTransactionsRequest,
  type ListPaymentsRequest,
  type RecordExternalRefundRequest,
  type RefundPaymentRequest,
  type VoidPaymentRequest,
} from '../pb/payment/v1/payment.js';
import { decodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import type { IdSource } from '../runtime/index.js';
import { laterResults, type LaterResult } from './accepted-results.js';
import type { PageKey, PageRequest } from './listing/store.js';
import type { Authorization } from './intents/authorizer.js';
import type { RefundRequest } from './refunds/refund-service.js';
import type { RefundCancellation } from './refunds/refund.js';
import type { OperatorNote } from './domain.js';
import type { TransactionRequest } from './service.js';

/** What the caller of AuthorizePayment or CapturePayment understands. */
interface Accepting {
  readonly accepted: ReadonlySet<LaterResult>;
}

export function parseAuthorize(request: AuthorizePaymentRequest): {
  authorization: Authorization;
} & Accepting {
  const check = new Validation();
  const authorization = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    orderId: check.text('order_id', request.orderId, textRules.uuid),
    amount: readAmount(check, request.amount),
    method: check.text('payment_method', request.paymentMethod, textRules.paymentMethod),
  };
  check.throwIfAny();
  return { authorization, accepted: acceptedResults(request) };
}

export function parseCapture(request: CapturePaymentRequest): {
  paymentId: string;
  amount: Money | undefined;
  note: OperatorNote;
} & Accepting {
  const check = new Validation();
  const capture = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    amount: request.amount && readAmount(check, request.amount),
    accepted: acceptedResults(request),
    note: readNote(check, request, true),
  };
  check.throwIfAny();
  return capture;
}

/** Skips results that only a later version knows. */
function acceptedResults(request: {
  readonly acceptedResults: readonly PaymentResult[];
}): ReadonlySet<LaterResult> {
  return new Set(laterResults.filter((result) => request.acceptedResults.includes(PaymentResult[result])));
}

export function parseVoid(request: VoidPaymentRequest): { paymentId: string; note: OperatorNote } {
  const check = new Validation();
  const paymentId = check.text('payment_id', request.paymentId, textRules.uuid);
  const note = readNote(check, request, true);
  check.throwIfAny();
  return { paymentId, note };
}

/** Replaces an empty `request_id` with a new id. Each request without `request_id` is therefore a separate refund. */
export function parseRefund(newId: IdSource): (request: RefundPaymentRequest) => RefundRequest {
  return (request) => {
    const check = new Validation();
    const refund: RefundRequest = {
      paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
      requestId: check.text('request_id', request.requestId, textRules.requestId) || newId(),
      amount: request.amount && readAmount(check, request.amount),
      note: readNote(check, request, true),
    };
    check.throwIfAny();
    return refund;
  };
}

export function parseCancelRefund(request: CancelRefundRequest): RefundCancellation {
  const check = new Validation();
  const cancellation = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    requestId: check.text('request_id', request.requestId, { ...textRules.requestId, optional: false }),
    note: readNote(check, request, false),
  };
  check.throwIfAny();
  return cancellation;
}

export function parseExternalRefund(request: RecordExternalRefundRequest): RefundRequest {
  const check = new Validation();
  const refund: RefundRequest = {
    paymentId: check.text('payment_id', request.paymentId, textRules.uuid),
    requestId: check.text('request_id', request.requestId, { ...textRules.requestId, optional: false }),
    amount: request.amount && readAmount(check, request.amount),
    isExternal: true,
    note: readNote(check, request, false),
  };
  check.throwIfAny();
  return refund;
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
  checkPageSize(check, request.pageSize);
  check.throwIfAny();
  return {
    orderId: orderId === '' ? undefined : orderId,
    after: readPageKey(decodePageToken(request.pageToken, 2, [orderId])),
    size: pageSizeOf(request.pageSize),
  };
}

/** @throws AppError INVALID_PAGE_TOKEN */
export function parseListTransactions(request: ListGatewayTransactionsRequest): TransactionRequest {
  const check = new Validation();
  const paymentId = check.text('payment_id', request.paymentId, { ...textRules.uuid, optional: true });
  checkPageSize(check, request.pageSize);
  check.throwIfAny();
  const [after] = decodePageToken(request.pageToken, 1, [paymentId]) ?? [];
  if (after !== undefined && !/^[1-9]\d{0,17}$/.test(after)) throw invalidToken();
  return {
    paymentId: paymentId === '' ? undefined : paymentId,
    after,
    size: pageSizeOf(request.pageSize),
  };
}

function checkPageSize(check: Validation, pageSize: number): void {
  check.require(
    pageSize >= 0 && pageSize <= pageSizes.maximum,
    'page_size',
    `must be from 0 to ${pageSizes.maximum}`,
  );
}

function readNote(
  check: Validation,
  { actor = '', reason = '' }: { readonly actor?: string | undefined; readonly reason?: string | undefined },
  optional: boolean,
): OperatorNote {
  check.text('actor', actor, { ...textRules.actor, optional });
  check.text('reason', reason, { ...textRules.actorReason, optional });
  return {
    actor: actor === '' ? undefined : actor,
    reason: reason === '' ? undefined : reason,
  };
}

/** Placeholder for an invalid amount; `throwIfAny` throws before the placeholder is used. */
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
