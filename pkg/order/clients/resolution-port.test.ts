import { expect } from 'chai';
import { failureOf } from '../../../test/support/expect-reason.js';
import { AppError } from '../../errors/index.js';
import { ReservationState, type InventoryServiceService } from '../../pb/inventory/v1/inventory.js';
import {
  PaymentState,
  GatewayAudit,
  PaymentView,
  RefundState,
  type Payment,
  type PaymentServiceService,
} from '../../pb/payment/v1/payment.js';
import type { RpcClient } from '../../rpc/index.js';
import { anOrder } from '../testing/builders.js';
import { FakeClient } from '../testing/fake-client.js';
import { resolutionPort } from './resolution-port.js';

const options = { deadline: Date.now() + 10_000 };
const note = { actor: 'grace', reason: 'bank transfer 4711' };
const usd = (units: bigint, nanos = 0) => ({ currencyCode: 'USD', units, nanos });
const gatewayRecord = (amounts: Partial<GatewayAudit>) => GatewayAudit.fromPartial(amounts);
const notFound = new AppError({ reason: 'PAYMENT_NOT_FOUND', message: 'no such payment' });
const unavailable = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'no answer' });

describe('resolutionPort', () => {
  let fake: FakeClient;
  beforeEach(() => {
    fake = new FakeClient();
  });

  const apply = (order: ReturnType<typeof anOrder>): Promise<void> => {
    const port = resolutionPort({
      payment: fake.client as RpcClient<typeof PaymentServiceService>,
      inventory: fake.client as RpcClient<typeof InventoryServiceService>,
    });
    return port.apply(order, { orderId: order.id, ...note }, options);
  };

  describe('with a blocked release', () => {
    const order = anOrder({ step: 'RELEASE_STOCK' });
    const answer = (state: ReservationState): void => {
      fake.respond = () => ({ reservation: { reservationId: order.reservationId, state } });
    };

    for (const state of [ReservationState.RELEASED, ReservationState.RETURNED, ReservationState.REFUSED])
      it(`releases the reservation, and accepts the state ${ReservationState[state]}`, async () => {
        answer(state);
        await apply(order);
        const { reservationId } = order;
        expect(fake.requests).to.deep.equal([{ releaseReservation: { reservationId, ...note } }]);
      });

    for (const state of [ReservationState.COMMITTED, ReservationState.RESERVED, 99 as ReservationState])
      it(`rejects the state ${ReservationState[state] ?? 'of a later version'}`, async () => {
        answer(state);
        const error = await failureOf(apply(order));
        expect(error).to.deep.include({
          reason: 'ILLEGAL_TRANSITION',
          metadata: { order_id: order.id, reservation_id: order.reservationId, step: 'RELEASE_STOCK' },
        });
        expect(error.message).to.contain('holds stock');
      });

    for (const reason of ['VALIDATION_FAILED', 'ILLEGAL_TRANSITION', 'DEPENDENCY_UNAVAILABLE'] as const)
      it(`fails when the inventory service answers ${reason}`, async () => {
        const refusal = new AppError({ reason, message: 'refused' });
        fake.fail(refusal);
        expect(await failureOf(apply(order))).to.equal(refusal);
      });
  });

  describe('with a blocked void', () => {
    const order = anOrder({ step: 'VOID_PAYMENT' });
    const { paymentId } = order;
    const captured = { capturedAmount: usd(7n, 500_000_000) };
    const refunded = { ...captured, refundedAmount: usd(7n, 500_000_000) };
    const afterCapture = new AppError({ reason: 'ILLEGAL_TRANSITION', message: 'VOID is not possible' });
    /** Answers VoidPayment with `result`, or with `payment` when no result is given. */
    const answer = (payment: Partial<Payment>, result?: Error): void => {
      fake.respond = (method) => {
        if (method === 'voidPayment' && result) throw result;
        return { payment };
      };
    };

    it('voids the payment with the actor and the reason, then asks the gateway', async () => {
      for (const state of [PaymentState.VOIDED, PaymentState.DECLINED, PaymentState.EXPIRED]) {
        answer({ state, audit: gatewayRecord({ authorizedAmount: usd(7n) }) });
        await apply(order);
      }
      expect(fake.requests.slice(0, 2)).to.deep.equal([
        { voidPayment: { paymentId, ...note } },
        { getPayment: { paymentId, view: PaymentView.AUDIT } },
      ]);
    });

    it('accepts a captured payment whose money is returned', async () => {
      answer({ state: PaymentState.REFUNDED, ...refunded, audit: gatewayRecord(refunded) }, afterCapture);
      await apply(order);
      const external = { ...refunded, externallyRefundedAmount: usd(2n, 500_000_000) };
      const audit = gatewayRecord({ ...captured, refundedAmount: usd(5n) });
      answer({ state: PaymentState.REFUNDED, ...external, audit }, afterCapture);
      await apply(order);
    });

    const left: Readonly<Record<string, readonly [Partial<Payment>, Error?]>> = {
      'a captured payment': [
        { state: PaymentState.CAPTURED, ...captured, audit: gatewayRecord(captured) },
        afterCapture,
      ],
      'a payment of which a part is returned': [
        { state: PaymentState.PARTIALLY_REFUNDED, ...captured, refundedAmount: usd(7n) },
        afterCapture,
      ],
      'a payment whose refund is pending': [
        { state: PaymentState.CAPTURED, ...captured, refundPendingAmount: captured.capturedAmount },
        afterCapture,
      ],
      'a refund that the gateway has not made': [
        { state: PaymentState.REFUNDED, ...refunded, audit: gatewayRecord(captured) },
        afterCapture,
      ],
      'a voided payment that the gateway has captured': [
        { state: PaymentState.VOIDED, audit: gatewayRecord(captured) },
      ],
    };
    for (const [title, [payment, result]] of Object.entries(left))
      it(`rejects ${title}`, async () => {
        answer(payment, result);
        const error = await failureOf(apply(order));
        expect(error).to.deep.include({
          reason: 'ILLEGAL_TRANSITION',
          metadata: { order_id: order.id, payment_id: paymentId, step: 'VOID_PAYMENT' },
        });
        expect(error.message).to.contain('retry the order');
      });

    for (const reason of ['VALIDATION_FAILED', 'REQUEST_ID_REUSED', 'PAYMENT_IN_DOUBT'] as const)
      it(`fails when the payment service answers ${reason} to the void`, async () => {
        const refusal = new AppError({ reason, message: 'refused' });
        answer({ state: PaymentState.ACTION_REQUIRED }, refusal);
        expect(await failureOf(apply(order))).to.equal(refusal);
      });

    it('is in doubt when the payment is not voided after the void', async () => {
      answer({ state: PaymentState.AUTHORIZED });
      expect(await failureOf(apply(order))).to.include({ reason: 'PAYMENT_IN_DOUBT' });
    });

    it('fails when the gateway does not answer', async () => {
      fake.fail(unavailable);
      expect(await failureOf(apply(order))).to.equal(unavailable);
    });
  });

  describe('with a blocked refund', () => {
    const order = anOrder({ step: 'REFUND_PAYMENT' });
    const { refundId, paymentId } = order;
    const captured = { state: PaymentState.CAPTURED, capturedAmount: usd(7n), refundedAmount: usd(0n) };
    const returned = { ...captured, state: PaymentState.REFUNDED, refundedAmount: usd(7n) };
    const answer = (state: RefundState | Error, payment: object | Error = captured): void => {
      fake.respond = (method) => {
        if (method === 'recordExternalRefund') return { payment: returned };
        const response = method === 'getPayment' ? payment : state;
        if (response instanceof Error) throw response;
        return method === 'getPayment' ? { payment } : { state, rejectionReason: '' };
      };
    };
    const read = { getPayment: { paymentId, view: PaymentView.BASIC } };
    const cancelled = (requestId: string) => ({ cancelRefund: { requestId, paymentId, ...note } });

    for (const state of [RefundState.CANCELLED, RefundState.REJECTED])
      it(`records an external refund when the refund is ${RefundState[state]}`, async () => {
        answer(state);
        await apply(order);
        const requestId = `${refundId}/external`;
        expect(fake.requests).to.deep.equal([
          read,
          cancelled(refundId),
          read,
          { recordExternalRefund: { requestId, paymentId, amount: undefined, ...note } },
        ]);
      });

    it('cancels the refund of the remaining amount after a partial refund', async () => {
      answer(RefundState.CANCELLED, { ...captured, refundedAmount: usd(3n) });
      await apply(order);
      expect(fake.requests[1]).to.deep.equal(cancelled(`${refundId}/3.0`));
    });

    it('cancels the refund of a payment that the payment service has lost, and fails', async () => {
      answer(RefundState.CANCELLED, notFound);
      expect(await failureOf(apply(order))).to.equal(notFound);
      expect(fake.requests[1]).to.deep.equal(cancelled(refundId));
    });

    it('rejects the resolution when the gateway has refunded the whole payment', async () => {
      const payment = { state: PaymentState.REFUNDED, capturedAmount: usd(7n), refundedAmount: usd(7n) };
      answer(RefundState.CANCELLED, payment);
      expect(await failureOf(apply(order))).to.include({ reason: 'ILLEGAL_TRANSITION' });
      answer(RefundState.CANCELLED, { ...payment, externallyRefundedAmount: usd(7n) });
      await apply(order);
    });

    const failures: readonly (readonly [RefundState | Error, string])[] = [
      [RefundState.SUCCEEDED, 'ILLEGAL_TRANSITION'],
      [RefundState.PENDING, 'PAYMENT_IN_DOUBT'],
      [99 as RefundState, 'PAYMENT_IN_DOUBT'],
      [new AppError({ reason: 'METHOD_NOT_FOUND', message: 'no such method' }), 'DEPENDENCY_UNAVAILABLE'],
      [unavailable, 'DEPENDENCY_UNAVAILABLE'],
    ];
    for (const [state, reason] of failures)
      it(`fails with ${reason} for ${state instanceof Error ? state.message : (RefundState[state] ?? 'an unknown state')}`, async () => {
        answer(state);
        expect(await failureOf(apply(order))).to.include({ reason });
      });
  });
});
