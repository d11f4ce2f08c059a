import type { DeclineAdvice, DeclineCode } from './domain.js';

/** What the simulated gateway does with a payment method. */
export type Script =
  | { readonly kind: 'DECLINE'; readonly code: DeclineCode }
  | {
      readonly kind: 'APPROVE';
      /** Whether PAYMENT_FAILURE_RATE applies. */
      readonly isFallible: boolean;
      /** Attempts that fail before the gateway does anything. */
      readonly failures: number;
      /** Whether the first answer is slow. */
      readonly isSlow: boolean;
      /** The call whose first answer is lost after it took effect. */
      readonly losesAnswerOf: 'AUTHORIZE' | 'CAPTURE' | 'REFUND' | undefined;
    };

/** What an issuer advises after each decline. */
export const adviceAfter: Readonly<Record<DeclineCode, DeclineAdvice>> = {
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
} as const;

const scripts: ReadonlyMap<string, Script> = new Map<string, Script>([
  ['pm_approve', { ...approve, isFallible: true }],
  ['pm_slow', { ...approve, isSlow: true }],
  ['pm_answer_lost', { ...approve, losesAnswerOf: 'AUTHORIZE' }],
  ['pm_capture_answer_lost', { ...approve, losesAnswerOf: 'CAPTURE' }],
  ['pm_refund_answer_lost', { ...approve, losesAnswerOf: 'REFUND' }],
  ['pm_decline_insufficient_funds', { kind: 'DECLINE', code: 'INSUFFICIENT_FUNDS' }],
  ['pm_decline_card_expired', { kind: 'DECLINE', code: 'CARD_EXPIRED' }],
  ['pm_decline_suspected_fraud', { kind: 'DECLINE', code: 'SUSPECTED_FRAUD' }],
  ['pm_decline_do_not_honor', { kind: 'DECLINE', code: 'DO_NOT_HONOR' }],
  ['pm_decline_issuer_unavailable', { kind: 'DECLINE', code: 'ISSUER_UNAVAILABLE' }],
]);

/** Reads a test payment method; one that is not known is declined. */
export function scriptOf(method: string): Script {
  const known = scripts.get(method);
  if (known) return known;
  if (method.startsWith('pm_approve_')) return { ...approve, isFallible: true };
  const failing = /^pm_fail_([1-9])_then_approve$/.exec(method);
  if (failing) return { ...approve, failures: Number(failing[1]) };
  return { kind: 'DECLINE', code: 'INVALID_PAYMENT_METHOD' };
}
