import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../errors/index.js';
import { money } from '../money/index.js';
import type { InventoryServiceService } from '../pb/inventory/v1/inventory.js';
import {
  DeclineAdvice,
  DeclineCode,
  PaymentState,
  type Payment,
  type PaymentServiceService,
} from '../pb/payment/v1/payment.js';
import type { CatalogServiceService } from '../pb/catalog/v1/catalog.js';
import { failureOf } from '../postgres/testing/expect-reason.js';
import type { RpcClient } from '../rpc/index.js';
import { catalogPort, inventoryPort, paymentPort } from './clients.js';
import type { SagaOrder } from './domain.js';
import type { StepResult } from './saga-plan.js';
import { anOrder } from './testing/builders.js';

const bounds = { deadline: Date.now() + 10_000 };

/** A service that answers as it is told, whatever the method, and writes down what it was asked. */
class Remote {
  readonly requests: unknown[] = [];
  answer: (method: string) => unknown = () => ({});

  readonly client = new Proxy(
    {},
    {
      get: (_, method) => async (request: unknown) => {
        this.requests.push({ [String(method)]: request });
        return this.answer(String(method));
      },
    },
  );

  fail(error: Error): void {
    this.answer = () => {
      throw error;
    };
  }
}

describe('the services that the saga calls', () => {
  let remote: Remote;
  let steps: Record<string, (order: SagaOrder) => Promise<StepResult>>;

  beforeEach(() => {
    remote = new Remote();
    const inventory = inventoryPort(remote.client as RpcClient<typeof InventoryServiceService>);
    const payment = paymentPort(remote.client as RpcClient<typeof PaymentServiceService>);
    steps = Object.fromEntries(
      Object.entries({ ...inventory, ...payment }).map(([name, step]) => [
        name,
        (order: SagaOrder) => step(order, bounds),
      ]),
    );
  });

  const take = (step: string, order = anOrder()): Promise<StepResult> =>
    steps[step]?.(order) ?? Promise.reject(new Error(`no step ${step}`));

  const stock = ['RESERVATION_EXPIRED', 'RESERVATION_NOT_FOUND', 'RESERVATION_RELEASED', 'OUT_OF_STOCK'];
  const payments = ['PAYMENT_NOT_FOUND', 'PAYMENT_VOIDED'];
  const either = ['ILLEGAL_TRANSITION', 'REQUEST_ID_REUSED', 'VALIDATION_FAILED'];
  const refusals: Readonly<Record<string, readonly string[]>> = {
    reserve: [...stock, ...either],
    commit: [...stock, ...either],
    release: [],
    authorize: [...payments, ...either],
    capture: [...payments, ...either],
    void: [...payments, ...either],
    refund: [],
  };

  for (const [step, definite] of Object.entries(refusals))
    it(`refuse to ${step} only by what is definite; all else is in doubt`, async () => {
      for (const reason of reasons) {
        const failure = new AppError({ reason, message: 'no' });
        remote.fail(failure);
        const result = await take(step).catch((doubt: unknown) => doubt);
        if (definite.includes(reason)) expect(result).to.include({ kind: 'refused', detail: reason });
        else expect(result, reason).to.equal(failure);
      }
      const foreign = new TypeError('nobody foresaw this');
      remote.fail(foreign);
      expect(await failureOf(take(step))).to.equal(foreign);
    });

  it('name the SKUs that are short', async () => {
    const short = (subject: string) => ({ type: 'STOCK', subject, description: 'short' });
    const preconditions = [short('espresso'), short('latte')];
    remote.fail(new AppError({ reason: 'OUT_OF_STOCK', message: 'no', preconditions }));
    expect(await take('reserve')).to.deep.include({
      rejection: { reason: 'OUT_OF_STOCK', skus: ['espresso', 'latte'] },
    });
  });

  const rejections: Partial<Record<Reason, string>> = {
    RESERVATION_EXPIRED: 'RESERVATION_EXPIRED',
    RESERVATION_RELEASED: 'STEP_REFUSED',
  };
  it('tell a reservation that lapsed from one that somebody released', async () => {
    for (const [reason, expected] of Object.entries(rejections)) {
      remote.fail(new AppError({ reason: reason as Reason, message: 'no' }));
      expect(await take('commit')).to.deep.include({ rejection: { reason: expected } });
    }
  });

  it('decline a payment with code and advice, which is no error', async () => {
    const decline = { code: DeclineCode.CARD_EXPIRED, advice: DeclineAdvice.DO_NOT_RETRY };
    remote.answer = () => ({ payment: aPayment({ state: PaymentState.DECLINED, decline }) });
    expect(await take('authorize')).to.deep.equal({
      kind: 'refused',
      rejection: {
        reason: 'PAYMENT_DECLINED',
        declineCode: 'CARD_EXPIRED',
        declineAdvice: 'DO_NOT_RETRY',
      },
      detail: 'CARD_EXPIRED',
    });
    remote.answer = () => ({ payment: aPayment({ state: PaymentState.AUTHORIZED }) });
    expect(await take('authorize')).to.deep.equal({ kind: 'done' });
  });

  it('are asked with the ids that were fixed when the order was accepted', async () => {
    remote.answer = () => ({ payment: aPayment({ state: PaymentState.CAPTURED }) });
    const order = anOrder();
    const { id: orderId, reservationId, paymentId, paymentMethod, refundId } = order;
    for (const step of Object.keys(refusals)) await take(step, order);
    const amount = { currencyCode: 'USD', units: 7n, nanos: 0 };
    expect(remote.requests).to.deep.equal([
      { reserveStock: { reservationId, items: [{ sku: 'espresso', quantity: 2n }], ttl: undefined } },
      { commitReservation: { reservationId } },
      { releaseReservation: { reservationId } },
      { authorizePayment: { paymentId, orderId, amount, paymentMethod } },
      { capturePayment: { paymentId, amount } },
      { voidPayment: { paymentId } },
      { getPayment: { paymentId, view: 1 } },
      { refundPayment: { requestId: refundId, paymentId, amount: undefined } },
    ]);
  });

  it('are not asked to refund where nothing is left to give back', async () => {
    for (const state of [PaymentState.REFUNDED, PaymentState.VOIDED, PaymentState.DECLINED]) {
      remote.answer = () => ({ payment: aPayment({ state }) });
      expect(await take('refund')).to.include({ kind: 'done' });
    }
    expect(remote.requests.filter((request) => 'refundPayment' in (request as object))).to.deep.equal([]);
  });
});

describe('the catalog', () => {
  const price = { currencyCode: 'USD', units: 3n, nanos: 500_000_000 };
  const priced = (products: readonly unknown[], missingSkus: readonly string[] = []) => {
    const remote = new Remote();
    remote.answer = () => ({ products, missingSkus });
    const catalog = catalogPort(remote.client as RpcClient<typeof CatalogServiceService>);
    return catalog.price(['espresso', 'tea'], bounds);
  };

  it('gives names and prices', async () => {
    expect(await priced([{ sku: 'espresso', name: 'Espresso', price }])).to.deep.equal([
      { sku: 'espresso', name: 'Espresso', price: money('USD', 350n) },
    ]);
  });

  it('names every product that it does not know', async () => {
    const error = await failureOf(priced([], ['espresso', 'tea']));
    expect(error).to.deep.include({ reason: 'PRODUCT_NOT_FOUND', metadata: { skus: 'espresso,tea' } });
  });

  it('is not trusted with a product that has no usable price', async () => {
    for (const bad of [undefined, { ...price, currencyCode: 'XXX' }, { ...price, nanos: 1 }]) {
      const error = await failureOf(priced([{ sku: 'espresso', name: 'Espresso', price: bad }]));
      expect(error.message).to.equal('the catalog has no usable price for espresso');
    }
  });
});

function aPayment(given: Partial<Payment>): Payment {
  return { paymentId: 'p-1', orderId: 'o-1', state: PaymentState.AUTHORIZED, ...given };
}
