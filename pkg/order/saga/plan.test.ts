import { expect } from 'chai';
import { transitions, type OrderState, type SagaStep } from '../domain.js';
import {
  firstCancellationStep,
  firstStep,
  isCompensation,
  isFinal,
  isRemote,
  nextStep,
  terminalState,
  type RemoteStep,
  type StepContext,
} from './plan.js';

const remoteSteps: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
  'VOID_PAYMENT',
  'REFUND_PAYMENT',
  'RELEASE_STOCK',
];
const answers = {
  done: { kind: 'done' },
  refused: { kind: 'refused', effect: 'UNKNOWN' },
  'refused without effect': { kind: 'refused', effect: 'NONE' },
} as const;
type Answer = keyof typeof answers;
const unfinishedStates = ['PENDING', 'CANCELLING'] as const;
const newOrder: StepContext = { state: 'PENDING', origin: 'ACCEPTED', failures: 0 };
const cancelling: StepContext = { state: 'CANCELLING', origin: 'STORAGE', failures: 0 };

interface Path {
  readonly answers: readonly `${RemoteStep} ${Answer}`[];
  readonly end: SagaStep | 'BLOCKED';
}

/** Returns every path of definite answers from a step to a final step or to a block. */
function pathsFrom(step: SagaStep | 'BLOCKED', context: StepContext, previous: Path['answers'] = []): Path[] {
  if (step === 'BLOCKED' || !isRemote(step)) return [{ answers: previous, end: step }];
  expect(previous.length, `length of ${previous.join(', ')}`).to.be.below(20);
  return (Object.keys(answers) as Answer[]).flatMap((answer) =>
    pathsFrom(nextStep(step, answers[answer], context), context, [...previous, `${step} ${answer}`]),
  );
}

const endsOf = (paths: readonly Path[], end: Path['end']): Path['answers'][] =>
  paths.filter((path) => path.end === end).map((path) => path.answers);

const starts: readonly (readonly [RemoteStep, OrderState])[] = [
  ...remoteSteps.map((step) => [step, 'PENDING'] as const),
  ...remoteSteps.filter(isCompensation).map((step) => [step, 'CANCELLING'] as const),
];

describe('nextStep', () => {
  for (const state of unfinishedStates)
    for (const step of remoteSteps)
      for (const [name, answer] of Object.entries(answers))
        it(`returns BLOCKED only for a refused compensation (step ${step}, answer ${name}, state ${state})`, () => {
          const next = nextStep(step, answer, { ...newOrder, state });
          if (next === 'BLOCKED') expect(isCompensation(step) && answer.kind === 'refused').to.equal(true);
          else expect(isRemote(next) || isFinal(next), next).to.equal(true);
        });

  for (const [step, state] of starts)
    it(`leads a ${state} order from ${step} to a terminal state or a block with any answers`, () => {
      const paths = pathsFrom(step, { ...newOrder, state });
      expect(paths).not.to.have.length(0);
      for (const { end } of paths) {
        if (end === 'BLOCKED') continue;
        if (!isFinal(end)) throw new Error(`${end} is not final`);
        expect(transitions[state], `transitions from ${state}`).to.include(terminalState[end]);
      }
    });

  it('leads through reserve, authorize, commit, capture and confirm when no step is refused', () => {
    const steps: (SagaStep | 'BLOCKED')[] = [firstStep];
    for (let step: SagaStep | 'BLOCKED' = firstStep; step !== 'BLOCKED' && isRemote(step); steps.push(step))
      step = nextStep(step, answers.done, newOrder);
    expect(steps).to.deep.equal([
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
      'CONFIRM',
    ]);
  });

  it('leads to CONFIRM only when reserve, authorize, commit and capture are done', () => {
    expect(endsOf(pathsFrom(firstStep, newOrder), 'CONFIRM')).to.deep.equal([
      ['RESERVE_STOCK done', 'AUTHORIZE_PAYMENT done', 'COMMIT_STOCK done', 'CAPTURE_PAYMENT done'],
    ]);
  });

  it('compensates every step that may be done, and the payment before the stock', () => {
    for (const steps of endsOf(pathsFrom(firstStep, newOrder), 'REJECT')) {
      const hasReserved = steps[0] !== 'RESERVE_STOCK refused without effect';
      if (hasReserved) expect(steps.at(-1)).to.equal('RELEASE_STOCK done');
      if (!hasReserved || steps.includes('AUTHORIZE_PAYMENT refused without effect')) continue;
      const isUndone = steps.at(-2) === 'VOID_PAYMENT done' || steps.at(-2) === 'REFUND_PAYMENT done';
      expect(isUndone, steps.join(', ')).to.equal(true);
    }
  });

  it('leads to a refund only after a void without an effect', () => {
    for (const { answers: steps } of pathsFrom(firstStep, newOrder)) {
      const refund = steps.findIndex((step) => step.startsWith('REFUND_PAYMENT'));
      if (refund >= 0) expect(steps[refund - 1]).to.equal('VOID_PAYMENT refused without effect');
    }
  });

  const unsafe: Record<string, Partial<StepContext>> = {
    'a drive from storage': { origin: 'STORAGE' },
    'an attempt after an attempt in doubt': { failures: 1 },
  };
  for (const [name, overrides] of Object.entries(unsafe))
    for (const step of remoteSteps.filter((remote) => !isCompensation(remote)))
      for (const answer of [answers.refused, answers['refused without effect']])
        it(`starts the full compensation when ${name} gets a refusal of ${step} (effect ${answer.effect})`, () => {
          expect(nextStep(step, answer, { ...newOrder, ...overrides })).to.equal('VOID_PAYMENT');
        });
});

describe('firstCancellationStep', () => {
  it('starts the cancellation of a CONFIRMED order with a refund', () => {
    expect(endsOf(pathsFrom(firstCancellationStep('CONFIRMED'), cancelling), 'CANCEL')).to.deep.equal([
      ['REFUND_PAYMENT done', 'RELEASE_STOCK done'],
    ]);
  });

  it('starts the cancellation of a PENDING order with a void, followed by a refund after a capture', () => {
    expect(endsOf(pathsFrom(firstCancellationStep('PENDING'), cancelling), 'CANCEL')).to.deep.equal([
      ['VOID_PAYMENT done', 'RELEASE_STOCK done'],
      ['VOID_PAYMENT refused without effect', 'REFUND_PAYMENT done', 'RELEASE_STOCK done'],
    ]);
  });
});

describe('a saga step', () => {
  it('is remote or final, except ACCEPT, REQUEST_CANCELLATION and STOP_FULFILLMENT', () => {
    for (const step of remoteSteps) expect([isRemote(step), isFinal(step)]).to.deep.equal([true, false]);
    for (const step of ['CONFIRM', 'REJECT', 'CANCEL'] as const)
      expect([isRemote(step), isFinal(step)]).to.deep.equal([false, true]);
    for (const step of ['ACCEPT', 'REQUEST_CANCELLATION', 'STOP_FULFILLMENT'] as const)
      expect([isRemote(step), isFinal(step)]).to.deep.equal([false, false]);
  });

  it('is a compensation if it is VOID_PAYMENT, REFUND_PAYMENT or RELEASE_STOCK', () => {
    expect(remoteSteps.filter(isCompensation)).to.deep.equal([
      'VOID_PAYMENT',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
    ]);
  });
});
