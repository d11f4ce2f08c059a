import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../../errors/index.js';
import type { Clock } from '../../runtime/index.js';
import type { OrderState, Rejection, SagaStep } from '../domain.js';
import { isFinal, isRemote, nextStep, type Refusal, type RemoteStep } from './plan.js';
import { SagaProgress } from './progress.js';
import { anOrder, aRefusal } from '../testing/builders.js';
import { summarize } from '../testing/timeline.js';

type Answer = 'done' | 'refused' | 'doubt';

const refusal = (reason: Rejection['reason']): Refusal => aRefusal({ reason });
const unavailable = new AppError({
  reason: 'DEPENDENCY_UNAVAILABLE',
  message: 'no connection to 10.0.0.7:50053',
});

/** A clock that advances with each reading. */
function aTickingClock(): Clock {
  let ms = 0;
  return { now: () => new Date((ms += 1)) };
}

const aProgress = (overrides: Parameters<typeof anOrder>[0] = {}): SagaProgress =>
  new SagaProgress(anOrder(overrides), aTickingClock());

/** Adds the answers, and then `done` for each step until the order is terminal or blocked. */
function finish(progress: SagaProgress, answers: readonly Answer[]): void {
  const remaining = [...answers];
  while (progress.order.block === undefined) {
    const { step } = progress.order;
    if (isFinal(step)) {
      progress.finish(step);
      return;
    }
    if (!isRemote(step)) throw new Error(`${step} has no answer`);
    add(progress, step, remaining.shift() ?? 'done');
  }
}

function add(progress: SagaProgress, step: RemoteStep, answer: Answer): void {
  if (answer === 'doubt') {
    progress.inDoubt(unavailable);
    return;
  }
  const { state, failures } = progress.order;
  const result = answer === 'done' ? ({ kind: 'done' } as const) : refusal('STEP_REFUSED');
  const next = nextStep(step, result, { state, failures, origin: 'STORAGE' });
  if (next === 'BLOCKED') progress.blocked('STEP_REFUSED');
  else progress.answered(step, result, next);
}

const anyAnswers = fc.array(fc.constantFrom<Answer>('done', 'refused', 'doubt'), { maxLength: 30 });

describe('SagaProgress', () => {
  it('numbers its entries without a gap after the current revision', () => {
    fc.assert(
      fc.property(anyAnswers, fc.integer({ min: 1, max: 1000 }), (answers, revision) => {
        const progress = aProgress({ revision });
        finish(progress, answers);
        const numbers = progress.entries.map((entry) => entry.revision);
        expect(numbers).to.deep.equal(numbers.map((_, index) => revision + 1 + index));
        expect(progress.order.revision).to.equal(numbers.at(-1));
        expect(progress.storedRevision).to.equal(revision);
      }),
    );
  });

  it('starts each entry in the state of the previous entry', () => {
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const progress = aProgress();
        finish(progress, answers);
        let state: OrderState = 'PENDING';
        for (const { from, to } of progress.entries) {
          expect(from).to.equal(state);
          state = to;
        }
        expect(progress.order.state).to.equal(state);
      }),
    );
  });

  it('sets the update time of the order to the time of the newest entry', () => {
    const progress = aProgress();
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    expect(progress.order.updatedAt).to.deep.equal(progress.entries.at(-1)?.time);
  });

  it('removes stored entries and continues after their revisions', () => {
    const progress = aProgress();
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    progress.saved();
    expect(progress).to.deep.include({ entries: [], storedRevision: 2 });
    progress.answered('AUTHORIZE_PAYMENT', { kind: 'done' }, 'COMMIT_STOCK');
    expect(progress.entries.map(({ revision }) => revision)).to.deep.equal([3]);
    expect(progress.storedRevision).to.equal(2);
  });
});

describe('a step in doubt', () => {
  it('has an entry for each of the first four attempts, and for later attempts at powers of two', () => {
    const progress = aProgress();
    for (let attempt = 1; attempt <= 70; attempt += 1) progress.inDoubt(unavailable);
    const attempts = progress.entries.map(({ attempt }) => attempt);
    expect(attempts).to.deep.equal([1, 2, 3, 4, 8, 16, 32, 64]);
    expect(progress.order).to.include({ failures: 70, revision: 9, step: 'RESERVE_STOCK' });
  });

  it('counts as a failure, also when the attempt has no entry', () => {
    const progress = aProgress({ failures: 4 });
    progress.inDoubt(unavailable);
    expect(progress.entries).to.deep.equal([]);
    expect(progress.order).to.include({ failures: 5, revision: 1 });
  });

  it('has the reason of the error as detail, and not the message', () => {
    const progress = aProgress();
    progress.inDoubt(unavailable);
    progress.inDoubt(new TypeError('secret'));
    progress.inDoubt('not an error');
    const details = progress.entries.map(({ detail }) => detail);
    expect(details).to.deep.equal(['DEPENDENCY_UNAVAILABLE', 'INTERNAL', 'INTERNAL']);
  });

  it('numbers the answered attempt after the failed attempts, and then resets the failures', () => {
    const progress = aProgress({ failures: 6 });
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    expect(progress.entries[0]).to.include({ attempt: 7, outcome: 'SUCCEEDED' });
    expect(progress.order).to.include({ failures: 0, step: 'AUTHORIZE_PAYMENT' });
  });
});

describe('the rejection', () => {
  it('has the reason of the first refusal', () => {
    const progress = aProgress({ step: 'COMMIT_STOCK' });
    progress.answered('COMMIT_STOCK', refusal('RESERVATION_EXPIRED'), 'VOID_PAYMENT');
    progress.answered('VOID_PAYMENT', refusal('STEP_REFUSED'), 'REFUND_PAYMENT');
    finish(progress, []);
    expect(progress.order).to.deep.include({
      state: 'REJECTED',
      rejection: { reason: 'RESERVATION_EXPIRED' },
    });
    expect(summarize(progress.entries)).to.deep.equal([
      'COMMIT_STOCK refused',
      'VOID_PAYMENT refused',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('exists if and only if the order is REJECTED', () => {
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const progress = aProgress();
        finish(progress, answers);
        const { state, rejection } = progress.order;
        expect(rejection !== undefined).to.equal(state === 'REJECTED');
      }),
    );
  });
});

describe('a CANCELLING order', () => {
  it('becomes CANCELLED, or blocked by a refused compensation, without a rejection', () => {
    fc.assert(
      fc.property(
        anyAnswers,
        fc.constantFrom<SagaStep>('VOID_PAYMENT', 'REFUND_PAYMENT'),
        (answers, step) => {
          const progress = aProgress({ state: 'CANCELLING', step });
          finish(progress, answers);
          const isBlocked = progress.order.block !== undefined;
          const state = isBlocked ? 'CANCELLING' : 'CANCELLED';
          expect(progress.order).to.include({ state, rejection: undefined });
          const outcome = isBlocked ? 'REFUSED' : 'SUCCEEDED';
          expect(progress.entries.at(-1)).to.include({ outcome, from: 'CANCELLING', to: state });
        },
      ),
    );
  });
});

describe('a blocked order', () => {
  it('is CANCELLING with the reason, also when it would have been rejected', () => {
    const progress = aProgress({ step: 'RELEASE_STOCK', rejection: { reason: 'OUT_OF_STOCK' }, failures: 2 });
    progress.blocked('VALIDATION_FAILED');
    expect(summarize(progress.entries)).to.deep.equal(['RELEASE_STOCK refused #3 → CANCELLING']);
    expect(progress.order).to.deep.include({
      state: 'CANCELLING',
      step: 'RELEASE_STOCK',
      rejection: undefined,
      failures: 0,
      block: { reason: 'VALIDATION_FAILED', since: progress.order.updatedAt },
    });
  });
});

describe('an answer to a compensation', () => {
  it('ends the block of an order that an older version has claimed', () => {
    const block = { reason: 'REFUND_DECLINED', since: new Date(1000) };
    const progress = aProgress({ state: 'CANCELLING', step: 'REFUND_PAYMENT', block });
    progress.answered('REFUND_PAYMENT', { kind: 'done' }, 'RELEASE_STOCK');
    expect(progress.order.block).to.equal(undefined);
  });
});

describe('an order that waits for its customer', () => {
  const action = { url: 'https://bank.example/3ds', dueAt: new Date(1000) };

  it('has one entry for each action, and no failure', () => {
    const progress = aProgress({ step: 'AUTHORIZE_PAYMENT' });
    for (const current of [action, action, { ...action, url: 'https://bank.example/other' }])
      progress.waiting(current, new Date());
    expect(progress.entries.map(({ detail }) => detail)).to.deep.equal(
      Array(2).fill('PAYMENT_ACTION_REQUIRED'),
    );
    expect(progress.order).to.deep.include({
      state: 'PENDING',
      step: 'AUTHORIZE_PAYMENT',
      failures: 0,
      paymentAction: { ...action, url: 'https://bank.example/other' },
    });
  });

  it('has no action after the answer', () => {
    const progress = aProgress({ step: 'AUTHORIZE_PAYMENT', paymentAction: action });
    progress.answered('AUTHORIZE_PAYMENT', { kind: 'done' }, 'COMMIT_STOCK');
    expect(progress.order.paymentAction).to.equal(undefined);
  });
});
