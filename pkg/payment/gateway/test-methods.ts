import type { DeclineAdvice, DeclineCode } from '../domain.js';

/** Behavior of the simulated gateway for a payment method. */
export type Script =
  | { readonly kind: 'DECLINE'; readonly code: DeclineCode }
  | {
      readonly kind: 'APPROVE';
      /** Whether PAYMENT_FAILURE_RATE applies. */
      readonly isFallible: boolean;
      /** Number of authorization attempts that fail without an effect before one attempt is approved. */
      readonly failures: number;
      /** Whether the first answer to an authorization is slow. */
      readonly isSlow: boolean;
      /** The call that takes effect, but whose first answer is lost. */
      readonly losesAnswerOf: 'AUTHORIZE' | 'CAPTURE' | 'REFUND' | undefined;
      /** When the gateway decides about the authorization. */
      readonly decides: 'NOW' | 'LATER' | 'AFTER_ACTION' | 'ACTION_EXPIRES';
      readonly capture: 'CAPTURED' | 'DECLINED' | 'EXPIRED';
      readonly refund: 'REFUNDED' | 'DECLINED' | 'REFUNDED_LATER' | 'DECLINED_LATER';
    };

/** Advice of the issuer for each decline code. */
export const adviceOf: Readonly<Record<DeclineCode, DeclineAdvice>> = {
  INSUFFICIENT_FUNDS: 'RETRY_LATER',
  CARD_EXPIRED: 'DO_NOT_RETRY',
  SUSPECTED_FRAUD: 'DO_NOT_RETRY',
  DO_NOT_HONOR: 'DO_NOT_RETRY',
  INVALID_PAYMENT_METHOD: 'DO_NOT_RETRY',
  ISSUER_UNAVAILABLE: 'RETRY_LATER',
};

const approve = {
  kind: 'APPROVE',
  isFallible: false,
  failures: 0,
  isSlow: false,
  losesAnswerOf: undefined,
  decides: 'NOW',
  capture: 'CAPTURED',
  refund: 'REFUNDED',
} as const;

const scripts: ReadonlyMap<string, Script> = new Map<string, Script>([
  ['pm_approve', { ...approve, isFallible: true }],
  ['pm_slow', { ...approve, isSlow: true }],
  ['pm_answer_lost', { ...approve, losesAnswerOf: 'AUTHORIZE' }],
  ['pm_capture_answer_lost', { ...approve, losesAnswerOf: 'CAPTURE' }],
  ['pm_refund_answer_lost', { ...approve, losesAnswerOf: 'REFUND' }],
  ['pm_authorize_pending', { ...approve, decides: 'LATER' }],
  ['pm_action_required', { ...approve, decides: 'AFTER_ACTION' }],
  ['pm_action_expires', { ...approve, decides: 'ACTION_EXPIRES' }],
  ['pm_authorization_expires', { ...approve, capture: 'EXPIRED' }],
  ['pm_capture_declined', { ...approve, capture: 'DECLINED' }],
  ['pm_refund_declined', { ...approve, refund: 'DECLINED' }],
  ['pm_refund_pending', { ...approve, refund: 'REFUNDED_LATER' }],
  ['pm_refund_pending_declined', { ...approve, refund: 'DECLINED_LATER' }],
  ['pm_decline_insufficient_funds', { kind: 'DECLINE', code: 'INSUFFICIENT_FUNDS' }],
  ['pm_decline_card_expired', { kind: 'DECLINE', code: 'CARD_EXPIRED' }],
  ['pm_decline_suspected_fraud', { kind: 'DECLINE', code: 'SUSPECTED_FRAUD' }],
  ['pm_decline_do_not_honor', { kind: 'DECLINE', code: 'DO_NOT_HONOR' }],
  ['pm_decline_issuer_unavailable', { kind: 'DECLINE', code: 'ISSUER_UNAVAILABLE' }],
]);

/** Payment methods with a fixed name; {@link scriptOf} accepts further names. */
export const testMethods: readonly string[] = [...scripts.keys()];

/** Payment methods whose captures have no effect. */
export const captureRefusingMethods: readonly string[] = [...scripts].flatMap(([method, script]) =>
  script.kind === 'APPROVE' && script.capture !== 'CAPTURED' ? [method] : [],
);

/** Returns the behavior of a payment method. The gateway declines an unknown method. */
export function scriptOf(method: string): Script {
  const known = scripts.get(method);
  if (known) return known;
  if (method.startsWith('pm_approve_')) return { ...approve, isFallible: true };
  const failing = /^pm_fail_([1-9])_then_approve$/.exec(method);
  if (failing) return { ...approve, failures: Number(failing[1]) };
  return { kind: 'DECLINE', code: 'INVALID_PAYMENT_METHOD' };
}
