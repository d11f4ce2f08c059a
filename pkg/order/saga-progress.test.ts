import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../errors/index.js';
import type { Clock } from '../runtime/index.js';
import type { OrderState, Rejection, SagaStep } from './domain.js';
import { isFinal, isRemote, nextStep, type StepResult } from './saga-plan.js';
import { SagaProgress } from './saga-progress.js';
import { anOrder } from './testing/builders.js';
import { story } from './testing/timeline.js';

type Answer = StepResult['kind'] | 'doubt';

const refusal = (reason: Rejection['reason']): StepResult => ({
  kind: 'refused',
  rejection: { reason },
  detail: reason,
});
const away = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'of 10.0.0.7:50053' });

/** A clock that moves on at each look. */
function aTickingClock(): Clock {
  let ms = 0;
  return { now: () => new Date((ms += 1)) };
}

const aProgress = (given: Parameters<typeof anOrder>[0] = {}): SagaProgress =>
  new SagaProgress(anOrder(given), aTickingClock());

/** Gives one answer after the other, then `done` to whatever is left, until the order rests. */
function play(progress: SagaProgress, answers: readonly Answer[]): void {
  const left = [...answers];
  for (;;) {
    const { step, state } = progress.order;
    if (isFinal(step)) {
      progress.finish(step);
      return;
    }
    if (!isRemote(step)) throw new Error(`no way on from ${step}`);
    give(progress, left.shift() ?? 'done', { step, state });
  }
}

function give(
  progress: SagaProgress,
  answer: Answer,
  { step, state }: { readonly step: SagaStep; readonly state: OrderState },
): void {
  const next = answer === 'doubt' || !isRemote(step) ? undefined : nextStep(step, answer, state);
  if (answer === 'doubt' || next === undefined || !isRemote(step)) progress.inDoubt(away);
  else progress.answered(step, answer === 'done' ? { kind: 'done' } : refusal('OUT_OF_STOCK'), next);
}

const anyAnswers = fc.array(fc.constantFrom<Answer>('done', 'refused', 'doubt'), { maxLength: 30 });

describe('the progress of a saga', () => {
  it('numbers its entries without gap, from where the order stands', () => {
    fc.assert(
      fc.property(anyAnswers, fc.integer({ min: 1, max: 1000 }), (answers, revision) => {
        const progress = aProgress({ revision });
        play(progress, answers);
        const numbers = progress.entries.map((entry) => entry.revision);
        expect(numbers).to.deep.equal(numbers.map((_, index) => revision + 1 + index));
        expect(progress.order.revision).to.equal(numbers.at(-1));
        expect(progress.storedRevision).to.equal(revision);
      }),
    );
  });

  it('links its entries: each begins in the state where the one before ended', () => {
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const progress = aProgress();
        play(progress, answers);
        let state: OrderState = 'PENDING';
        for (const { from, to } of progress.entries) {
          expect(from).to.equal(state);
          state = to;
        }
        expect(progress.order.state).to.equal(state);
      }),
    );
  });

  it('tells the time of the newest entry as that of the last change', () => {
    const progress = aProgress();
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    expect(progress.order.updatedAt).to.deep.equal(progress.entries.at(-1)?.time);
  });

  it('forgets its entries once they are stored, and counts on', () => {
    const progress = aProgress();
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    progress.saved();
    expect(progress).to.include({ unsaved: 0, storedRevision: 2 });
    progress.answered('AUTHORIZE_PAYMENT', { kind: 'done' }, 'COMMIT_STOCK');
    expect(progress.entries.map(({ revision }) => revision)).to.deep.equal([3]);
    expect(progress).to.include({ unsaved: 1, storedRevision: 2 });
  });
});

describe('a step in doubt', () => {
  it('has a line for each of four attempts, and then for every power of two', () => {
    const progress = aProgress();
    for (let attempt = 1; attempt <= 70; attempt += 1) progress.inDoubt(away);
    const attempts = progress.entries.map(({ attempt }) => attempt);
    expect(attempts).to.deep.equal([1, 2, 3, 4, 8, 16, 32, 64]);
    expect(progress.order).to.include({ failures: 70, revision: 9, step: 'RESERVE_STOCK' });
  });

  it('counts as failed also when it gets no line', () => {
    const progress = aProgress({ failures: 4 });
    progress.inDoubt(away);
    expect(progress).to.include({ unsaved: 0 });
    expect(progress.order).to.include({ failures: 5, revision: 1 });
  });

  it('tells the reason, and never what the failure said', () => {
    const progress = aProgress();
    progress.inDoubt(away);
    progress.inDoubt(new TypeError('secret of a library'));
    progress.inDoubt('no error at all');
    const details = progress.entries.map(({ detail }) => detail);
    expect(details).to.deep.equal(['DEPENDENCY_UNAVAILABLE', 'INTERNAL', 'INTERNAL']);
  });

  it('is answered by the attempt after the failed ones, and the next step starts anew', () => {
    const progress = aProgress({ failures: 6 });
    progress.answered('RESERVE_STOCK', { kind: 'done' }, 'AUTHORIZE_PAYMENT');
    expect(progress.entries[0]).to.include({ attempt: 7, outcome: 'SUCCEEDED' });
    expect(progress.order).to.include({ failures: 0, step: 'AUTHORIZE_PAYMENT' });
  });
});

describe('the reason of a rejection', () => {
  it('is the first refusal', () => {
    const progress = aProgress({ step: 'COMMIT_STOCK' });
    progress.answered('COMMIT_STOCK', refusal('RESERVATION_EXPIRED'), 'VOID_PAYMENT');
    progress.answered('VOID_PAYMENT', refusal('STEP_REFUSED'), 'REFUND_PAYMENT');
    play(progress, []);
    expect(progress.order).to.deep.include({
      state: 'REJECTED',
      rejection: { reason: 'RESERVATION_EXPIRED' },
    });
    expect(story(progress.entries)).to.deep.equal([
      'COMMIT_STOCK refused',
      'VOID_PAYMENT refused',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'REJECT → REJECTED',
    ]);
  });

  it('is there whenever an order is rejected, and only then', () => {
    fc.assert(
      fc.property(anyAnswers, (answers) => {
        const progress = aProgress();
        play(progress, answers);
        const { state, rejection } = progress.order;
        expect(rejection !== undefined).to.equal(state === 'REJECTED');
      }),
    );
  });
});

describe('an order that is being cancelled', () => {
  it('ends as cancelled, without a rejection, whatever is refused on the way', () => {
    fc.assert(
      fc.property(
        anyAnswers,
        fc.constantFrom<SagaStep>('VOID_PAYMENT', 'REFUND_PAYMENT'),
        (answers, step) => {
          const progress = aProgress({ state: 'CANCELLING', step });
          play(progress, answers);
          expect(progress.order).to.include({ state: 'CANCELLED', rejection: undefined });
          expect(progress.entries.at(-1)).to.include({ step: 'CANCEL', from: 'CANCELLING', to: 'CANCELLED' });
        },
      ),
    );
  });
});
