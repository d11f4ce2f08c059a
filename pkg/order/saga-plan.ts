import type { OrderState, Rejection, SagaStep } from './domain.js';

/** Steps that call another service. */
export type RemoteStep = Exclude<
  SagaStep,
  'ACCEPT' | 'CONFIRM' | 'REQUEST_CANCELLATION' | 'REJECT' | 'CANCEL'
>;
/** Steps that bring an order to rest; they change nothing but the order. */
export type FinalStep = 'CONFIRM' | 'REJECT' | 'CANCEL';

/** What a definite answer means for the saga: where it goes on. */
interface Edges {
  readonly done: SagaStep;
  /** Undefined: cannot be refused for good, only tried again. */
  readonly refused: SagaStep | undefined;
}

/**
 * The saga: reserve, authorize, commit, capture, confirm; and in reverse, from wherever it stops,
 * void (or refund, once captured), then release. `RELEASE_STOCK` leads to REJECT or CANCEL by state.
 *
 * A refused reservation or authorization has left nothing on its own side: refusals are definite and
 * stored there, so only earlier steps are compensated.
 */
const plan: Readonly<Record<RemoteStep, Edges>> = {
  RESERVE_STOCK: { done: 'AUTHORIZE_PAYMENT', refused: 'REJECT' },
  AUTHORIZE_PAYMENT: { done: 'COMMIT_STOCK', refused: 'RELEASE_STOCK' },
  COMMIT_STOCK: { done: 'CAPTURE_PAYMENT', refused: 'VOID_PAYMENT' },
  CAPTURE_PAYMENT: { done: 'CONFIRM', refused: 'VOID_PAYMENT' },
  VOID_PAYMENT: { done: 'RELEASE_STOCK', refused: 'REFUND_PAYMENT' },
  REFUND_PAYMENT: { done: 'RELEASE_STOCK', refused: undefined },
  RELEASE_STOCK: { done: 'REJECT', refused: undefined },
};

export const remoteSteps = Object.keys(plan) as RemoteStep[];

export const firstStep: RemoteStep = 'RESERVE_STOCK';

/**
 * Where a cancellation starts. Of a pending order it is not known how far its steps got: a void also
 * stops an authorization that is still under way, and is refused once the money was captured.
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

/** The definite answer of another service to a step. */
export type StepResult =
  | { readonly kind: 'done'; readonly detail?: string }
  | { readonly kind: 'refused'; readonly rejection: Rejection; readonly detail: string };

/** The step after `step`, or undefined when such an answer settles nothing and the step must be repeated. */
export function nextStep(
  step: RemoteStep,
  kind: StepResult['kind'],
  state: OrderState,
): SagaStep | undefined {
  const next = plan[step][kind];
  return next === 'REJECT' && state === 'CANCELLING' ? 'CANCEL' : next;
}

/** The state in which a final step leaves the order. */
export const restingState: Readonly<Record<FinalStep, OrderState>> = {
  CONFIRM: 'CONFIRMED',
  REJECT: 'REJECTED',
  CANCEL: 'CANCELLED',
};
