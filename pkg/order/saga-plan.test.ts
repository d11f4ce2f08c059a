import { expect } from 'chai';
import { transitions, type OrderState, type SagaStep } from './domain.js';
import {
  firstCancellationStep,
  firstStep,
  isCompensation,
  isFinal,
  isRemote,
  nextStep,
  restingState,
  type RemoteStep,
} from './saga-plan.js';

const remoteSteps: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
  'VOID_PAYMENT',
  'REFUND_PAYMENT',
  'RELEASE_STOCK',
];
const answers = ['done', 'refused'] as const;
type Answer = (typeof answers)[number];
const driven = ['PENDING', 'CANCELLING'] as const;

interface Path {
  readonly answers: readonly `${RemoteStep} ${Answer}`[];
  readonly end: SagaStep;
}

/** Every way from a step to an end, by every definite answer there can be; refusals that only repeat left out. */
function pathsFrom(step: SagaStep, state: OrderState, before: Path['answers'] = []): Path[] {
  if (!isRemote(step)) return [{ answers: before, end: step }];
  expect(before.length, `length of ${before.join(', ')}`).to.be.below(20);
  return answers.flatMap((answer) => {
    const next = nextStep(step, answer, state);
    return next === undefined ? [] : pathsFrom(next, state, [...before, `${step} ${answer}`]);
  });
}

const starts: readonly (readonly [RemoteStep, OrderState])[] = [
  ...remoteSteps.map((step) => [step, 'PENDING'] as const),
  ...remoteSteps.filter(isCompensation).map((step) => [step, 'CANCELLING'] as const),
];

describe('the plan of the saga', () => {
  for (const state of driven)
    for (const step of remoteSteps)
      for (const answer of answers)
        it(`knows how ${step} goes on once it is ${answer} while ${state}`, () => {
          const next = nextStep(step, answer, state);
          if (next === undefined) expect(isCompensation(step) && answer === 'refused').to.equal(true);
          else expect(isRemote(next) || isFinal(next), next).to.equal(true);
        });

  for (const [step, state] of starts)
    it(`brings a ${state} order to rest from ${step}, whatever the answers`, () => {
      const paths = pathsFrom(step, state);
      expect(paths).not.to.have.length(0);
      for (const { end } of paths) {
        if (!isFinal(end)) throw new Error(`${end} is no end`);
        expect(transitions[state], `edges of ${state}`).to.include(restingState[end]);
      }
    });

  it('takes the steps of an order that nothing refuses in the order that was promised', () => {
    const steps: SagaStep[] = [firstStep];
    for (let step: SagaStep = firstStep; isRemote(step); steps.push(step))
      step = nextStep(step, 'done', 'PENDING') ?? step;
    expect(steps).to.deep.equal([
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
      'CONFIRM',
    ]);
  });

  it('confirms only what was reserved, authorized, committed and captured', () => {
    const confirmed = pathsFrom(firstStep, 'PENDING').filter(({ end }) => end === 'CONFIRM');
    expect(confirmed.map((path) => path.answers)).to.deep.equal([
      ['RESERVE_STOCK done', 'AUTHORIZE_PAYMENT done', 'COMMIT_STOCK done', 'CAPTURE_PAYMENT done'],
    ]);
  });

  it('undoes the payment before the stock, and all that was done', () => {
    for (const path of pathsFrom(firstStep, 'PENDING').filter(({ end }) => end === 'REJECT')) {
      const steps = path.answers;
      if (steps.includes('RESERVE_STOCK done')) expect(steps.at(-1)).to.equal('RELEASE_STOCK done');
      if (!steps.includes('AUTHORIZE_PAYMENT done')) continue;
      const isUndone = steps.at(-2) === 'VOID_PAYMENT done' || steps.at(-2) === 'REFUND_PAYMENT done';
      expect(isUndone, steps.join(', ')).to.equal(true);
    }
  });

  it('refunds only what could not be voided', () => {
    for (const { answers: steps } of pathsFrom(firstStep, 'PENDING')) {
      const refund = steps.indexOf('REFUND_PAYMENT done');
      if (refund >= 0) expect(steps[refund - 1]).to.equal('VOID_PAYMENT refused');
    }
  });
});

describe('the plan of a cancellation', () => {
  it('refunds what was confirmed', () => {
    expect(pathsFrom(firstCancellationStep('CONFIRMED'), 'CANCELLING')).to.deep.equal([
      { answers: ['REFUND_PAYMENT done', 'RELEASE_STOCK done'], end: 'CANCEL' },
    ]);
  });

  it('voids what is pending, and refunds it if the money was captured meanwhile', () => {
    expect(pathsFrom(firstCancellationStep('PENDING'), 'CANCELLING')).to.deep.equal([
      { answers: ['VOID_PAYMENT done', 'RELEASE_STOCK done'], end: 'CANCEL' },
      { answers: ['VOID_PAYMENT refused', 'REFUND_PAYMENT done', 'RELEASE_STOCK done'], end: 'CANCEL' },
    ]);
  });
});

describe('a step', () => {
  it('is remote or final, unless a caller takes it', () => {
    for (const step of remoteSteps) expect([isRemote(step), isFinal(step)]).to.deep.equal([true, false]);
    for (const step of ['CONFIRM', 'REJECT', 'CANCEL'] as const)
      expect([isRemote(step), isFinal(step)]).to.deep.equal([false, true]);
    for (const step of ['ACCEPT', 'REQUEST_CANCELLATION'] as const)
      expect([isRemote(step), isFinal(step)]).to.deep.equal([false, false]);
  });

  it('compensates if it undoes another', () => {
    expect(remoteSteps.filter(isCompensation)).to.deep.equal([
      'VOID_PAYMENT',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
    ]);
  });
});
