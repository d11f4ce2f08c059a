import { expect } from 'chai';
import fc from 'fast-check';
import { isAppError, type Reason } from '../../../pkg/errors/index.js';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { aCapture, anAuthorization, audited, cents, expectInSync, repeatInDoubt, usd } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

type Amount = ReturnType<typeof usd> | undefined;
type Step =
  | { readonly kind: 'authorize' }
  | { readonly kind: 'capture'; readonly amount: Amount }
  | { readonly kind: 'void' }
  | {
      readonly kind: 'refund' | 'external refund';
      readonly requestId: string;
      readonly amount: Amount;
    };

const anyAmount = fc.option(
  fc.integer({ min: 1, max: 1100 }).map((minor) => usd(minor)),
  { nil: undefined },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'authorize' } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('capture' as const), amount: anyAmount }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'void' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('refund', 'refund', 'external refund'),
      requestId: fc.constantFrom('a', 'b', 'c', 'd'),
      amount: fc.option(fc.constantFrom(usd(100), usd(350), usd(900)), { nil: undefined }),
    }),
  },
);
/** The steps of one round run concurrently. */
const anyRounds = fc.array(fc.array(anyStep, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
const anyMethod = fc.constantFrom(
  'pm_approve',
  'pm_answer_lost',
  'pm_capture_answer_lost',
  'pm_refund_answer_lost',
  'pm_fail_2_then_approve',
  'pm_decline_insufficient_funds',
  'pm_authorize_pending',
  'pm_action_required',
  'pm_action_expires',
  'pm_authorization_expires',
  'pm_capture_declined',
  'pm_refund_declined',
  'pm_refund_pending',
  'pm_refund_pending_declined',
);

const rejections: ReadonlySet<Reason> = new Set([
  'VALIDATION_FAILED',
  'ILLEGAL_TRANSITION',
  'REQUEST_ID_REUSED',
  'REFUND_EXCEEDS_CAPTURE',
  'REFUND_DECLINED',
  'PAYMENT_VOIDED',
  'PAYMENT_NOT_FOUND',
]);

const ledgerTotals = sql(
  'test.ledger_totals',
  `select coalesce(sum(amount_minor) filter (where kind = 'AUTHORIZE'), 0)::int as authorized,
     coalesce(sum(amount_minor) filter (where kind = 'CAPTURE'), 0)::int as captured,
     coalesce(sum(amount_minor) filter (where kind in ('REFUND', 'EXTERNAL_REFUND')), 0)::int as refunded
   from payment_ledger where payment_id = $paymentId`,
);

describe('random concurrent payment calls', () => {
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer({
      REFUND_RESOLVE_INTERVAL: '50ms',
      PAYMENT_ACTION_DELAY: '20ms',
      PAYMENT_ACTION_TIMEOUT: '40ms',
    });
  });
  after(() => server.close());

  it('keep refunded ≤ captured ≤ authorized, keep the ledger in sync with the gateway, and get equal responses to equal refunds', async () => {
    const property = fc.asyncProperty(anyMethod, anyRounds, async (paymentMethod, rounds) => {
      const request = anAuthorization({ paymentMethod });
      const refundOutcomes = new Map<string, string>();
      for (const steps of rounds) {
        await Promise.all(
          steps.map(async (step) => {
            const outcome = await outcomeOf(() => send(step, request));
            // The service stores nothing for an unknown payment, so a later equal request may succeed.
            if ('requestId' in step && outcome !== 'PAYMENT_NOT_FOUND')
              expectSame(refundOutcomes, step, outcome);
          }),
        );
        await checkInvariants(request.paymentId);
      }
    });
    await fc.assert(property, { numRuns: 80 });
  });

  function send(step: Step, request: ReturnType<typeof anAuthorization>): Promise<unknown> {
    const { client } = server;
    const { paymentId } = request;
    switch (step.kind) {
      case 'authorize':
        return client.authorizePayment(request);
      case 'capture':
        return client.capturePayment(aCapture(paymentId, step.amount));
      case 'void':
        return client.voidPayment({ paymentId });
      case 'refund':
        return client.refundPayment({ ...step, paymentId, actor: 'ada', reason: 'test' });
      case 'external refund':
        return client.recordExternalRefund({ ...step, paymentId, actor: 'ada', reason: 'test' });
    }
  }

  async function checkInvariants(paymentId: string): Promise<void> {
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
    // A tombstone has no amount.
    if (payment.amount) expect(authorized).to.be.at.most(amount);
    // The gateway decides before its event arrives, and the event may arrive between two reads.
    if (awaitsEvent(payment)) return;
    expectInSync(payment);
    expect(await server.db.query(ledgerTotals({ paymentId }))).to.deep.equal([
      { authorized, captured, refunded },
    ]);
  }
});

function awaitsEvent({ state, refundPendingAmount }: Payment): boolean {
  const isIntent = state === PaymentState.PENDING || state === PaymentState.ACTION_REQUIRED;
  return isIntent || cents(refundPendingAmount) > 0;
}

/** Repeats a call while it is in doubt. Returns the response as JSON, or the reason of the rejection. */
async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return toText(await repeatInDoubt(call));
  } catch (error) {
    if (isAppError(error) && rejections.has(error.reason)) return error.reason;
    throw error;
  }
}

/** Expects that equal steps have equal outcomes. */
function expectSame(outcomes: Map<string, string>, step: Step, outcome: string): void {
  const key = toText(step);
  expect(outcome).to.equal(outcomes.get(key) ?? outcome);
  outcomes.set(key, outcome);
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}
