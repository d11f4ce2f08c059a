import type { OrderState, PaymentAction, Rejection, SagaStep } from '../domain.js';

/** Steps that call another service. */
export type RemoteStep = Exclude<
  SagaStep,
  | 'ACCEPT'
  | 'CONFIRM'
  | 'REQUEST_CANCELLATION'
  | 'REJECT'
  | 'CANCEL'
  | 'STOP_FULFILLMENT'
  | 'REFUND_ORDER'
  | 'RETRY_ORDER'
  | 'RESOLVE_ORDER'
>;
/** Steps that make an order terminal. A final step does not call another service. */
export type FinalStep = 'CONFIRM' | 'REJECT' | 'CANCEL';

/** The next step for each kind of answer. */
interface Edges {
  readonly done: SagaStep;
  /** After a refusal that does not exclude an effect of this step or of a later step. */
  readonly refused: SagaStep | 'BLOCKED';
  /** After a refusal that shows that the step had no effect. If undefined, `refused` applies. */
  readonly refusedWithoutEffect?: SagaStep;
}

/**
 * The forward steps are reserve, authorize, commit, capture and confirm. The full compensation voids the payment, or
 * refunds the payment after a capture, then releases the stock, then rejects or cancels the order. Only a refusal
 * without an effect has a shorter compensation.
 *
 * A compensation that is refused blocks the order, because a repetition would get the same answer.
 */
const plan: Readonly<Record<RemoteStep, Edges>> = {
  RESERVE_STOCK: { done: 'AUTHORIZE_PAYMENT', refused: 'VOID_PAYMENT', refusedWithoutEffect: 'REJECT' },
  AUTHORIZE_PAYMENT: {
    done: 'COMMIT_STOCK',
    refused: 'VOID_PAYMENT',
    refusedWithoutEffect: 'RELEASE_STOCK',
  },
  COMMIT_STOCK: { done: 'CAPTURE_PAYMENT', refused: 'VOID_PAYMENT' },
  CAPTURE_PAYMENT: { done: 'CONFIRM', refused: 'VOID_PAYMENT' },
  // A void without an effect means that the payment was captured.
  VOID_PAYMENT: { done: 'RELEASE_STOCK', refused: 'BLOCKED', refusedWithoutEffect: 'REFUND_PAYMENT' },
  REFUND_PAYMENT: { done: 'RELEASE_STOCK', refused: 'BLOCKED' },
  RELEASE_STOCK: { done: 'REJECT', refused: 'BLOCKED' },
};

export const remoteSteps = Object.keys(plan) as RemoteStep[];

export const firstStep: RemoteStep = 'RESERVE_STOCK';

/**
 * The first step of a cancellation. The payment of a pending order may be in any state. A void also stops an
 * authorization in progress. A void after a capture is refused, and the plan continues with a refund.
 */
export function firstCancellationStep(state: OrderState): RemoteStep {
  return state === 'CONFIRMED' ? 'REFUND_PAYMENT' : 'VOID_PAYMENT';
}

export function isFinal(step: SagaStep): step is FinalStep {
  return step === 'CONFIRM' || step === 'REJECT' || step === 'CANCEL';
}

export function isRemote(step: SagaStep): step is RemoteStep {
  return step in plan;
}

export function isCompensation(step: SagaStep): boolean {
  return step === 'VOID_PAYMENT' || step === 'REFUND_PAYMENT' || step === 'RELEASE_STOCK';
}

/** A definite refusal of a step. */
export interface Refusal {
  readonly kind: 'refused';
  readonly rejection: Rejection;
  readonly detail: string;
  /**
   * NONE for an answer that every version of the called service computes alike and that the service stores: the step
   * had no effect, and no later attempt has one. UNKNOWN for an answer that another version may compute differently,
   * such as REQUEST_ID_REUSED and VALIDATION_FAILED: an earlier attempt may have taken effect.
   */
  readonly effect: 'NONE' | 'UNKNOWN';
}

/** The customer must act before the payment is authorized. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly action: PaymentAction;
  /** The due time is earlier than that of the payment service, because the reservation must outlive it. */
  readonly isLimited?: boolean;
}

/** A definite answer of another service. */
export type StepResult = { readonly kind: 'done'; readonly detail?: string } | Waiting | Refusal;

/**
 * ACCEPTED: the drive of the instance that has just accepted the order. STORAGE: a drive that continues a stored order,
 * after a crash, a hand-over, a parking or a lost write. Later steps may have taken effect before such a drive.
 */
export type DriveOrigin = 'ACCEPTED' | 'STORAGE';

export interface StepContext {
  readonly state: OrderState;
  readonly origin: DriveOrigin;
  /** Number of earlier attempts of the step in doubt. */
  readonly failures: number;
}

/** Returns the step after `step`, or BLOCKED when a compensation is refused. */
export function nextStep(
  step: RemoteStep,
  answer: { readonly kind: 'done' } | Pick<Refusal, 'kind' | 'effect'>,
  context: StepContext,
): SagaStep | 'BLOCKED' {
  const next = nextOf(step, answer, context);
  return next === 'REJECT' && context.state === 'CANCELLING' ? 'CANCEL' : next;
}

function nextOf(
  step: RemoteStep,
  answer: { readonly kind: 'done' } | Pick<Refusal, 'kind' | 'effect'>,
  { origin, failures }: StepContext,
): SagaStep | 'BLOCKED' {
  const { done, refused, refusedWithoutEffect } = plan[step];
  if (answer.kind === 'done') return done;
  // Only the first attempt of a new order shows that nothing happened before.
  const isFirstAttempt = isCompensation(step) || (origin === 'ACCEPTED' && failures === 0);
  return answer.effect === 'NONE' && isFirstAttempt ? (refusedWithoutEffect ?? refused) : refused;
}

/** The state of an order after a final step. */
export const terminalState: Readonly<Record<FinalStep, OrderState>> = {
  CONFIRM: 'CONFIRMED',
  REJECT: 'REJECTED',
  CANCEL: 'CANCELLED',
};

export const attemptOutcomes = ['succeeded', 'refused', 'waiting', 'in_doubt'] as const;

/** One attempt of a step, for metrics. */
export interface StepAttempt {
  readonly step: RemoteStep;
  readonly outcome: (typeof attemptOutcomes)[number];
  /** Number of the attempt, from 1. All earlier attempts ended in doubt. */
  readonly attempt: number;
  readonly seconds: number;
}
