import { expect } from 'chai';
import fc from 'fast-check';
import { isAppError, type Reason } from '../../pkg/errors/index.js';
import { sql } from '../../pkg/postgres/index.js';
import { anAuthorization, audited, cents, expectBooksAgree, untilKnown, usd } from './payment-requests.js';
import { startPaymentServer, type PaymentTestServer } from './payment-server.js';

type Amount = ReturnType<typeof usd> | undefined;
type Step =
  | { readonly do: 'authorize' }
  | { readonly do: 'capture'; readonly amount: Amount }
  | { readonly do: 'void' }
  | { readonly do: 'refund'; readonly requestId: string; readonly amount: Amount };

const anAmount = fc.option(
  fc.integer({ min: 1, max: 1100 }).map((minor) => usd(minor)),
  { nil: undefined },
);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'authorize' } as const) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('capture' as const), amount: anAmount }) },
  { weight: 1, arbitrary: fc.constant({ do: 'void' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      requestId: fc.constantFrom('a', 'b', 'c', 'd'),
      amount: fc.option(fc.constantFrom(usd(100), usd(350), usd(900)), { nil: undefined }),
    }),
  },
);
/** Steps of one round run at the same time. */
const rounds = fc.array(fc.array(aStep, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
const aMethod = fc.constantFrom(
  'pm_approve',
  'pm_answer_lost',
  'pm_capture_answer_lost',
  'pm_refund_answer_lost',
  'pm_fail_2_then_approve',
  'pm_decline_insufficient_funds',
);

const refusals: ReadonlySet<Reason> = new Set([
  'VALIDATION_FAILED',
  'ILLEGAL_TRANSITION',
  'REQUEST_ID_REUSED',
  'REFUND_EXCEEDS_CAPTURE',
  'PAYMENT_VOIDED',
  'PAYMENT_NOT_FOUND',
]);

const ledgerTotals = sql(
  'test.ledger_totals',
  `select coalesce(sum(amount_minor) filter (where kind = 'AUTHORIZE'), 0)::int as authorized,
     coalesce(sum(amount_minor) filter (where kind = 'CAPTURE'), 0)::int as captured,
     coalesce(sum(amount_minor) filter (where kind = 'REFUND'), 0)::int as refunded
   from payment_ledger where payment_id = $1`,
);

describe('whatever is asked of a payment, in whatever order', () => {
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer({ REFUND_RESOLVE_INTERVAL: '50ms' });
  });
  after(() => server.close());

  it('refunds ≤ captured ≤ authorized, both books agree, and equal refunds have equal answers', async () => {
    const property = fc.asyncProperty(aMethod, rounds, async (paymentMethod, played) => {
      const request = anAuthorization({ paymentMethod });
      const answers = new Map<string, string>();
      for (const steps of played) {
        await Promise.all(
          steps.map(async (step) => {
            const answer = await outcomeOf(() => take(step, request));
            if (step.do === 'refund') expectSame(answers, step, answer);
          }),
        );
        await checkBooks(request.paymentId);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  function take(step: Step, request: ReturnType<typeof anAuthorization>): Promise<unknown> {
    const { client } = server;
    const { paymentId } = request;
    switch (step.do) {
      case 'authorize':
        return client.authorizePayment(request);
      case 'capture':
        return client.capturePayment({ paymentId, amount: step.amount });
      case 'void':
        return client.voidPayment({ paymentId });
      case 'refund':
        return client.refundPayment({ requestId: step.requestId, paymentId, amount: step.amount });
    }
  }

  async function checkBooks(paymentId: string): Promise<void> {
    const payment = await audited(server.client, paymentId).catch((error: unknown) => {
      if (!isAppError(error, 'PAYMENT_NOT_FOUND')) throw error;
      return undefined;
    });
    if (!payment) return;
    const [refunded, captured, authorized, amount] = [
      payment.refundedAmount,
      payment.capturedAmount,
      payment.authorizedAmount,
      payment.amount,
    ].map(cents) as [number, number, number, number];
    expect(refunded).to.be.at.most(captured);
    expect(captured).to.be.at.most(authorized);
    // A tombstone does not know what was asked for.
    if (payment.amount) expect(authorized).to.be.at.most(amount);
    expectBooksAgree(payment);
    expect(await server.db.query(ledgerTotals, [paymentId])).to.deep.equal([
      { authorized, captured, refunded },
    ]);
  }
});

/** What a caller who repeats in doubt gets to know. */
async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return text(await untilKnown(call));
  } catch (error) {
    if (isAppError(error) && refusals.has(error.reason)) return error.reason;
    throw error;
  }
}

/** An equal refund has an equal answer. */
function expectSame(answers: Map<string, string>, step: Step, answer: string): void {
  const key = text(step);
  expect(answer).to.equal(answers.get(key) ?? answer);
  answers.set(key, answer);
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}
