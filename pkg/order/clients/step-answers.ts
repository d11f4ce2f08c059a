import { isAppError, type AppError, type Reason } from '../../errors/index.js';
import type { Rejection } from '../domain.js';
import type { Refusal, StepResult } from '../saga/plan.js';

type Refuse = (error: AppError) => Omit<Refusal, 'kind' | 'detail'>;

/** The errors that are definite answers to a step. Any other error leaves the step in doubt. */
export type Refusals = Partial<Record<Reason, Refuse>>;

const refused =
  (reason: Rejection['reason'], effect: Refusal['effect'] = 'UNKNOWN'): Refuse =>
  () => ({ rejection: { reason }, effect });

const stepRefused = refused('STEP_REFUSED');

/** Another version of the called service may answer differently, so the effect of the step is unknown. */
export const commonRefusals: Refusals = {
  ILLEGAL_TRANSITION: stepRefused,
  REQUEST_ID_REUSED: stepRefused,
  VALIDATION_FAILED: stepRefused,
};

const outOfStock =
  (effect: Refusal['effect']): Refuse =>
  (error) => ({
    rejection: { reason: 'OUT_OF_STOCK', skus: error.preconditions.map(({ subject }) => subject) },
    effect,
  });

const stockRefusals: Refusals = {
  ...commonRefusals,
  RESERVATION_EXPIRED: refused('RESERVATION_EXPIRED'),
  RESERVATION_RELEASED: stepRefused,
  RESERVATION_NOT_FOUND: stepRefused,
};

/** The inventory service stores a reservation that is out of stock, and answers every repetition alike. */
export const reserveRefusals: Refusals = { ...stockRefusals, OUT_OF_STOCK: outOfStock('NONE') };

export const commitRefusals: Refusals = { ...stockRefusals, OUT_OF_STOCK: outOfStock('UNKNOWN') };

export const paymentRefusals: Refusals = {
  ...commonRefusals,
  PAYMENT_VOIDED: stepRefused,
  PAYMENT_NOT_FOUND: stepRefused,
};

/** A void is an illegal transition after a capture: the void had no effect, and a refund is due. */
export const voidRefusals: Refusals = {
  ...paymentRefusals,
  ILLEGAL_TRANSITION: refused('STEP_REFUSED', 'NONE'),
};

export const refundRefusals: Refusals = {
  ...paymentRefusals,
  REFUND_DECLINED: stepRefused,
  REFUND_CANCELLED: stepRefused,
  REFUND_EXCEEDS_CAPTURE: stepRefused,
};

/**
 * Returns a definite answer as a StepResult. Rethrows an error that is not a definite answer; the step is then in
 * doubt.
 */
export async function toStepResult<T>(
  response: Promise<T>,
  refusals: Refusals,
  read: (value: T) => StepResult = () => ({ kind: 'done' }),
): Promise<StepResult> {
  try {
    return read(await response);
  } catch (error) {
    const refuse = isAppError(error) ? refusals[error.reason] : undefined;
    if (!isAppError(error) || !refuse) throw error;
    return { kind: 'refused', ...refuse(error), detail: error.reason };
  }
}
