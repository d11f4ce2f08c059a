import type { Transaction } from '../../postgres/index.js';
import type { Payment, PaymentChange } from '../domain.js';
import type { CancelRefundAnswer } from '../gateway/gateway.js';
import {
  cancelRefund,
  findRefund,
  insertCancelledRefund,
  insertRefund,
  lockPayment,
  settleRefund,
} from './refund-store.js';
import type { CancelledRefund, PendingRefund, RefundCancellation, RefundOutcome } from './refund.js';

export interface RecordedCancellation {
  readonly refund: CancelledRefund;
  /** The change that the recording has made. */
  readonly change?: PaymentChange;
}

export function stateOf(outcome: RefundOutcome): CancelledRefund {
  if (outcome.state !== 'REFUSED') return { state: outcome.state };
  const { reason } = outcome;
  return reason === 'REFUND_CANCELLED' ? { state: 'CANCELLED' } : { state: 'REJECTED', reason };
}

/**
 * Records the gateway's answer to the cancellation of a refund. A refund that only the gateway knows is recorded, too, if
 * its payment is known and covers the refund.
 */
export async function recordCancellation(
  tx: Transaction,
  cancellation: RefundCancellation,
  { answer, leaseMs }: { readonly answer: CancelRefundAnswer; readonly leaseMs: number },
): Promise<RecordedCancellation> {
  const payment = await lockPayment(tx, cancellation.paymentId);
  const known = (await findRefund(tx, cancellation))?.outcome;
  if (known && known.state !== 'PENDING') return { refund: stateOf(known) };
  if (answer.outcome === 'DECLINED' && known) {
    await cancelRefund(tx, { ...cancellation, amount: known.amount });
    return { refund: { state: 'REJECTED', reason: 'REFUND_DECLINED' } };
  }
  if (answer.outcome === 'CANCELLED' || answer.outcome === 'DECLINED') {
    await insertCancelledRefund(tx, cancellation);
    const change = payment && ({ change: 'REFUND_CANCEL', payment, amount: 0n } as const);
    return { refund: { state: 'CANCELLED' }, ...(change && { change }) };
  }
  const pending = { ...cancellation, amount: known ? known.amount : answer.amount };
  const isStored = known !== undefined || (await insertIfCovered(tx, payment, { pending, leaseMs }));
  if (answer.outcome === 'PENDING') return { refund: { state: 'PENDING' } };
  const refund = { state: 'SUCCEEDED' } as const;
  if (!isStored) return { refund };
  return {
    refund,
    change: { change: 'REFUND', payment: await settleRefund(tx, pending), amount: pending.amount },
  };
}

/** Returns false, without a change, if the payment does not cover the refund. */
async function insertIfCovered(
  tx: Transaction,
  payment: Payment | undefined,
  { pending, leaseMs }: { readonly pending: PendingRefund & RefundCancellation; readonly leaseMs: number },
): Promise<boolean> {
  const { captured = 0n, refunded = 0n, refundPending = 0n } = payment?.charge ?? {};
  const { amount } = pending;
  if (amount > captured - refunded - refundPending) return false;
  const refund = { ...pending, fingerprint: Buffer.alloc(0), outcome: { state: 'PENDING', amount } } as const;
  return (await insertRefund(tx, refund, leaseMs)) !== undefined;
}
