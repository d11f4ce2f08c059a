import type { Money } from '../money/index.js';
import type { Decline, DeclineAdvice, DeclineCode } from './domain.js';

/** What the simulated gateway keeps of one key. */
export interface GatewayCharge {
  /** Of the request; undefined when voided before there was one. */
  readonly fingerprint: Buffer | undefined;
  readonly method: string | undefined;
  readonly answer: { readonly reference: string } | { readonly decline: Decline } | undefined;
  /** What was asked for; undefined when voided before there was a request. */
  readonly amount: Money | undefined;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly voided: boolean;
}

/** For every statement that yields charges. */
export const chargeColumns = `fingerprint, method, currency, amount_minor, reference, decline_code,
  decline_advice, captured_minor, refunded_minor, voided`;

export interface ChargeRow {
  readonly fingerprint: Buffer | null;
  readonly method: string | null;
  readonly currency: string | null;
  readonly amount_minor: bigint | null;
  readonly reference: string | null;
  readonly decline_code: DeclineCode | null;
  readonly decline_advice: DeclineAdvice | null;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly voided: boolean;
}

export function toGatewayCharge(row: ChargeRow): GatewayCharge {
  return {
    fingerprint: row.fingerprint ?? undefined,
    method: row.method ?? undefined,
    answer: toAnswer(row),
    amount: toAmount(row),
    captured: row.captured_minor,
    refunded: row.refunded_minor,
    voided: row.voided,
  };
}

function toAnswer(row: ChargeRow): GatewayCharge['answer'] {
  const { reference, decline_code: code, decline_advice: advice } = row;
  if (reference !== null) return { reference };
  return code === null || advice === null ? undefined : { decline: { code, advice } };
}

function toAmount({ currency, amount_minor: minor }: ChargeRow): Money | undefined {
  return currency === null || minor === null ? undefined : { currency, minor };
}
