import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../../errors/index.js';
import { money } from '../../money/index.js';
import { ReservationState, type InventoryServiceService } from '../../pb/inventory/v1/inventory.js';
import {
  DeclineAdvice,
  DeclineCode,
  PaymentResult,
  PaymentState,
  type Payment,
  type PaymentServiceService,
} from '../../pb/payment/v1/payment.js';
import type { CatalogServiceService } from '../../pb/catalog/v1/catalog.js';
import { failureOf } from '../../../test/support/expect-reason.js';
import type { RpcClient } from '../../rpc/index.js';
import { inventoryPort, paymentPort, productFinder } from './clients.js';
import { recordExternalRefund } from './payment-answers.js';
import type { SagaOrder } from '../domain.js';
import type { StepResult } from '../saga/plan.js';
import { anOrder } from '../testing/builders.js';
import { FakeClient } from '../testing/fake-client.js';

const options = { deadline: Date.now() + 10_000 };

describe('inventoryPort and paymentPort', () => {
  let fake: FakeClient;
  let steps: Record<string, (order: SagaOrder) => Promise<StepResult>>;

  beforeEach(() => {
    fake = new FakeClient();
    const { lifetime: _lifetime, ...stock } = inventoryPort(
      fake.client as RpcClient<typeof InventoryServiceService>,
    );
    const payment = paymentPort(fake.client as RpcClient<typeof PaymentServiceService>);
    steps = Object.fromEntries(
      Object.entries({ ...stock, ...payment }).map(([name, step]) => [
        name,
        (order: SagaOrder) => step(order, options),
      ]),
    );
  });

  const execute = (step: string, order = anOrder()): Promise<StepResult> =>
    steps[step]?.(order) ?? Promise.reject(new Error(`no step ${step}`));

  const commonReasons = ['ILLEGAL_TRANSITION', 'REQUEST_ID_REUSED', 'VALIDATION_FAILED'];
  const stockReasons = [
    ...commonReasons,
    'RESERVATION_EXPIRED',
    'RESERVATION_NOT_FOUND',
    'RESERVATION_RELEASED',
    'OUT_OF_STOCK',
  ];
  const paymentReasons = [...commonReasons, 'PAYMENT_NOT_FOUND', 'PAYMENT_VOIDED'];
  const refusals: Readonly<
    Record<string, { definite: readonly string[]; withoutEffect: readonly string[] }>
  > = {
    reserve: { definite: stockReasons, withoutEffect: ['OUT_OF_STOCK'] },
    commit: { definite: stockReasons, withoutEffect: [] },
    release: { definite: commonReasons, withoutEffect: [] },
    authorize: { definite: paymentReasons, withoutEffect: [] },
    capture: { definite: paymentReasons, withoutEffect: [] },
    void: { definite: paymentReasons, withoutEffect: ['ILLEGAL_TRANSITION'] },
    refund: {
      definite: [...paymentReasons, 'REFUND_CANCELLED', 'REFUND_DECLINED', 'REFUND_EXCEEDS_CAPTURE'],
      withoutEffect: [],
    },
  };

  for (const [step, { definite, withoutEffect }] of Object.entries(refusals))
    it(`return a refusal of ${step} for definite errors, and rethrow other errors`, async () => {
      for (const reason of reasons) {
        const failure = new AppError({ reason, message: 'no' });
        fake.fail(failure);
        const result = await execute(step).catch((error: unknown) => error);
        const effect = withoutEffect.includes(reason) ? 'NONE' : 'UNKNOWN';
        if (definite.includes(reason)) expect(result).to.include({ kind: 'refused', detail: reason, effect });
        else expect(result, reason).to.equal(failure);
      }
      const unexpected = new TypeError('unexpected');
      fake.fail(unexpected);
      expect(await failureOf(execute(step))).to.equal(unexpected);
    });

  it('return the lifetime of an open reservation only', async () => {
    const [createTime, expireTime] = [new Date(1000), new Date(2000)];
    const { lifetime } = inventoryPort(fake.client as RpcClient<typeof InventoryServiceService>);
    const states = { RESERVED: { reservedAt: createTime, expiresAt: expireTime }, EXPIRED: undefined };
    for (const [state, expected] of Object.entries(states)) {
      const reservation = { state: ReservationState[state as keyof typeof states], createTime, expireTime };
      fake.respond = () => ({ reservation });
      expect(await lifetime(anOrder(), options)).to.deep.equal(expected);
    }
    fake.fail(new AppError({ reason: 'RESERVATION_RELEASED', message: 'no' }));
    expect(await lifetime(anOrder(), options)).to.equal(undefined);
    const failure = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'no' });
    fake.fail(failure);
    expect(await failureOf(lifetime(anOrder(), options))).to.equal(failure);
  });

  it('return the SKUs that are out of stock', async () => {
    const outOfStock = (subject: string) => ({ type: 'STOCK', subject, description: 'out of stock' });
    const preconditions = [outOfStock('espresso'), outOfStock('latte')];
    fake.fail(new AppError({ reason: 'OUT_OF_STOCK', message: 'no', preconditions }));
    expect(await execute('reserve')).to.deep.include({
      rejection: { reason: 'OUT_OF_STOCK', skus: ['espresso', 'latte'] },
    });
  });

  const rejections: Partial<Record<Reason, string>> = {
    RESERVATION_EXPIRED: 'RESERVATION_EXPIRED',
    RESERVATION_RELEASED: 'STEP_REFUSED',
  };
  it('distinguish an expired reservation from a released reservation', async () => {
    for (const [reason, expected] of Object.entries(rejections)) {
      fake.fail(new AppError({ reason: reason as Reason, message: 'no' }));
      expect(await execute('commit')).to.deep.include({ rejection: { reason: expected } });
    }
  });

  const decline = { code: DeclineCode.CARD_EXPIRED, advice: DeclineAdvice.DO_NOT_RETRY };
  const declineFields = { declineCode: 'CARD_EXPIRED', declineAdvice: 'DO_NOT_RETRY' };
  const usd = (units: bigint) => ({ currencyCode: 'USD', units, nanos: 0 });
  const dueTime = new Date(1000);
  const action = { url: 'https://bank.example/3ds', dueTime };
  const refused = (reason: string, effect: string, fields = {}) => ({
    kind: 'refused',
    rejection: { reason, ...fields },
    effect,
  });
  const done = { kind: 'done' };
  /** The result of a step for a payment; undefined when the step is in doubt. */
  const paymentAnswers: [step: string, payment: Partial<Payment>, result: object | undefined][] = [
    ['authorize', { state: PaymentState.AUTHORIZED }, done],
    ['authorize', { state: PaymentState.CAPTURED }, done],
    [
      'authorize',
      { state: PaymentState.DECLINED, decline },
      { ...refused('PAYMENT_DECLINED', 'NONE', declineFields), detail: 'CARD_EXPIRED' },
    ],
    [
      'authorize',
      { state: PaymentState.ACTION_REQUIRED, action },
      { kind: 'waiting', action: { url: action.url, dueAt: dueTime } },
    ],
    ['authorize', { state: PaymentState.ACTION_REQUIRED }, undefined],
    ['authorize', { state: PaymentState.PENDING }, undefined],
    ['authorize', { state: PaymentState.EXPIRED }, refused('PAYMENT_ACTION_EXPIRED', 'UNKNOWN')],
    [
      'authorize',
      { state: PaymentState.EXPIRED, authorizedAmount: usd(7n) },
      refused('AUTHORIZATION_EXPIRED', 'UNKNOWN'),
    ],
    ['authorize', { state: PaymentState.VOIDED }, refused('STEP_REFUSED', 'UNKNOWN')],
    ['authorize', { state: 99 as PaymentState }, undefined],
    ['capture', { state: PaymentState.CAPTURED }, done],
    ['capture', { state: PaymentState.AUTHORIZED }, undefined],
    ['capture', { state: PaymentState.REFUNDED }, refused('STEP_REFUSED', 'UNKNOWN')],
    [
      'capture',
      { state: PaymentState.AUTHORIZED, captureDecline: decline },
      { ...refused('CAPTURE_DECLINED', 'UNKNOWN', declineFields), detail: 'CARD_EXPIRED' },
    ],
    [
      'capture',
      { state: PaymentState.EXPIRED, authorizedAmount: usd(7n) },
      refused('AUTHORIZATION_EXPIRED', 'UNKNOWN'),
    ],
    ['void', { state: PaymentState.VOIDED }, done],
    ['void', { state: PaymentState.DECLINED }, done],
    ['void', { state: PaymentState.EXPIRED }, done],
    ['void', { state: PaymentState.CAPTURED }, undefined],
    ['refund', { state: PaymentState.VOIDED }, done],
    ['refund', { state: PaymentState.REFUNDED, capturedAmount: usd(7n), refundedAmount: usd(7n) }, done],
    ['refund', { state: PaymentState.CAPTURED, capturedAmount: usd(7n) }, undefined],
    [
      'refund',
      { state: PaymentState.PARTIALLY_REFUNDED, capturedAmount: usd(7n), refundedAmount: usd(3n) },
      undefined,
    ],
    ['refund', { state: PaymentState.CAPTURED, refundPendingAmount: usd(7n) }, undefined],
    ['refund', { state: PaymentState.AUTHORIZED }, undefined],
  ];
  for (const [step, payment, result] of paymentAnswers) {
    const state = PaymentState[payment.state ?? 0] ?? 'an unknown state';
    const kind = (result as { kind?: string } | undefined)?.kind ?? 'in doubt';
    it(`return ${kind} when ${step} answers ${state} with ${Object.keys(payment).join(', ')}`, async () => {
      fake.respond = () => ({ payment: aPayment(payment) });
      if (result) expect(await execute(step)).to.deep.include(result);
      else expect(await failureOf(execute(step))).to.include({ reason: 'PAYMENT_IN_DOUBT' });
    });
  }

  it('send the ids of the accepted order and every result that they understand', async () => {
    const states: Record<string, PaymentState> = {
      authorizePayment: PaymentState.AUTHORIZED,
      capturePayment: PaymentState.CAPTURED,
      voidPayment: PaymentState.VOIDED,
    };
    const capturedAmount = usd(7n);
    fake.respond = (method) => {
      const refundedAmount = method === 'refundPayment' ? capturedAmount : undefined;
      const state = states[method] ?? PaymentState.CAPTURED;
      return { payment: aPayment({ state, capturedAmount, refundedAmount }) };
    };
    const order = anOrder();
    const { id: orderId, reservationId, paymentId, paymentMethod, refundId } = order;
    for (const step of Object.keys(refusals)) await execute(step, order);
    const amount = usd(7n);
    const acceptedResults = [
      PaymentResult.ACTION_REQUIRED,
      PaymentResult.EXPIRED,
      PaymentResult.CAPTURE_DECLINED,
    ];
    expect(fake.requests).to.deep.equal([
      { reserveStock: { reservationId, items: [{ sku: 'espresso', quantity: 2n }], ttl: undefined } },
      { commitReservation: { reservationId } },
      { releaseReservation: { reservationId } },
      { authorizePayment: { paymentId, orderId, amount, paymentMethod, acceptedResults } },
      { capturePayment: { paymentId, amount, acceptedResults } },
      { voidPayment: { paymentId } },
      { getPayment: { paymentId, view: 1 } },
      { refundPayment: { requestId: refundId, paymentId, amount: undefined } },
    ]);
  });

  it('refund with a new key after another client has refunded a part', async () => {
    const payment = aPayment({
      state: PaymentState.PARTIALLY_REFUNDED,
      capturedAmount: usd(7n),
      refundedAmount: usd(3n),
    });
    fake.respond = (method) => ({
      payment: method === 'getPayment' ? payment : { ...payment, refundedAmount: usd(7n) },
    });
    const order = anOrder();
    expect(await execute('refund', order)).to.deep.equal({ kind: 'done' });
    expect(fake.requests.at(-1)).to.deep.nested.include({
      'refundPayment.requestId': `${order.refundId}/3.0`,
    });
  });

  it('do not refund a payment without a remaining amount', async () => {
    for (const state of [PaymentState.REFUNDED, PaymentState.VOIDED, PaymentState.DECLINED]) {
      fake.respond = () => ({ payment: aPayment({ state }) });
      expect(await execute('refund')).to.include({ kind: 'done' });
    }
    expect(fake.requests.filter((request) => 'refundPayment' in (request as object))).to.deep.equal([]);
  });

  it('return done for a refused refund when another client has already refunded the rest', async () => {
    const payment = aPayment({ state: PaymentState.CAPTURED, capturedAmount: usd(7n) });
    let reads = 0;
    fake.respond = (method) => {
      if (method === 'refundPayment') throw new AppError({ reason: 'REFUND_EXCEEDS_CAPTURE', message: 'no' });
      reads += 1;
      return { payment: { ...payment, refundedAmount: reads === 1 ? undefined : usd(7n) } };
    };
    expect(await execute('refund')).to.include({ kind: 'done' });
  });
});

describe('recordExternalRefund', () => {
  const usd = (units: bigint) => ({ currencyCode: 'USD', units, nanos: 0 });
  const captured = aPayment({ state: PaymentState.CAPTURED, capturedAmount: usd(7n) });
  const returned = { ...captured, state: PaymentState.REFUNDED, refundedAmount: usd(7n) };
  const note = { actor: 'grace', reason: 'bank transfer 4711' };
  const order = anOrder();
  const { paymentId } = order;
  let fake: FakeClient;
  beforeEach(() => {
    fake = new FakeClient();
  });

  const record = (): Promise<void> =>
    recordExternalRefund(fake.client as RpcClient<typeof PaymentServiceService>, order, {
      action: { orderId: order.id, ...note },
      options,
    });

  it('records what is left, with a key of its own and the note of the operator', async () => {
    fake.respond = (method) => ({ payment: method === 'getPayment' ? captured : returned });
    await record();
    const requestId = `${order.refundId}/external`;
    expect(fake.requests).to.deep.equal([
      { getPayment: { paymentId, view: 1 } },
      { recordExternalRefund: { requestId, paymentId, amount: undefined, ...note } },
    ]);
  });

  it('records nothing when all captured money is returned', async () => {
    fake.respond = () => ({ payment: returned });
    await record();
    expect(fake.requests).to.deep.equal([{ getPayment: { paymentId, view: 1 } }]);
  });

  it('fails with DEPENDENCY_UNAVAILABLE when the payment service does not know the method', async () => {
    fake.respond = (method) => {
      if (method === 'getPayment') return { payment: captured };
      throw new AppError({ reason: 'METHOD_NOT_FOUND', message: 'no such method' });
    };
    const error = await failureOf(record());
    expect(error).to.include({ reason: 'DEPENDENCY_UNAVAILABLE' });
    expect(error.message).to.contain('earlier version of the payment service');
  });

  it('fails with PAYMENT_IN_DOUBT when money is left after the record', async () => {
    fake.respond = () => ({ payment: captured });
    expect(await failureOf(record())).to.include({ reason: 'PAYMENT_IN_DOUBT' });
  });

  it('fails with any other error of the payment service', async () => {
    const failure = new AppError({ reason: 'ILLEGAL_TRANSITION', message: 'no' });
    fake.respond = (method) => {
      if (method === 'getPayment') return { payment: captured };
      throw failure;
    };
    expect(await failureOf(record())).to.equal(failure);
  });
});

describe('productFinder', () => {
  const price = { currencyCode: 'USD', units: 3n, nanos: 500_000_000 };
  const pricesFrom = (products: readonly unknown[]) => {
    const fake = new FakeClient();
    fake.respond = () => ({ products, missingSkus: [] });
    const find = productFinder(fake.client as RpcClient<typeof CatalogServiceService>);
    return find(['espresso', 'tea'], options);
  };

  it('returns names and prices', async () => {
    const espresso = { sku: 'espresso', name: 'Espresso' };
    expect([...(await pricesFrom([{ ...espresso, price }]))]).to.deep.equal([
      ['espresso', { ...espresso, price: money('USD', 350n) }],
    ]);
  });

  it('returns an error for a product without a valid price', async () => {
    for (const invalidPrice of [undefined, { ...price, currencyCode: 'XXX' }, { ...price, nanos: 1 }]) {
      const products = await pricesFrom([{ sku: 'espresso', name: 'Espresso', price: invalidPrice }]);
      expect(products.get('espresso')).to.include({
        message: 'the catalog has no valid price for espresso',
      });
    }
  });
});

function aPayment(overrides: Partial<Payment>): Payment {
  return { paymentId: 'p-1', orderId: 'o-1', state: PaymentState.AUTHORIZED, ...overrides };
}
