import { AppError, type FieldViolation } from './app-error.js';

/** Limits the size of an error for a request with thousands of invalid lines. */
const maxViolations = 20;

/**
 * Collects the violations of one request. One error reports the first 20 violations.
 *
 *     const check = new Validation();
 *     const sku = check.text('sku', request.sku, textRules.sku);
 *     check.throwIfAny();
 */
export class Validation {
  readonly #violations: FieldViolation[] = [];

  fail(field: string, description: string): void {
    if (this.#violations.length < maxViolations) this.#violations.push({ field, description });
  }

  require(condition: boolean, field: string, description: string): void {
    if (!condition) this.fail(field, description);
  }

  /**
   * Checks the length and the pattern of a text and returns the text. Rejects U+FFFD, which decoders substitute for
   * invalid UTF-8, and NUL, which PostgreSQL cannot store.
   */
  text(field: string, value: string, rule: TextRule): string {
    const min = rule.min ?? (rule.optional === true ? 0 : 1);
    if (value === '' && min === 0) return value;
    if (value === '') this.fail(field, 'is required');
    else if (value.length > rule.max) this.fail(field, `must be at most ${rule.max} characters`);
    else if (value.length < min) this.fail(field, `must be at least ${min} characters`);
    else if (/[\0\uFFFD]/u.test(value)) this.fail(field, 'must be valid UTF-8 without NUL');
    else if (rule.pattern && !rule.pattern.test(value)) this.fail(field, rule.hint ?? 'has a wrong format');
    return value;
  }

  /** @throws AppError VALIDATION_FAILED with the collected violations */
  throwIfAny(): void {
    const first = this.#violations[0];
    if (first === undefined) return;
    throw new AppError({
      reason: 'VALIDATION_FAILED',
      message: `invalid request: ${first.field} ${first.description}`,
      fields: this.#violations,
    });
  }
}

/** Lengths count UTF-16 code units. */
export interface TextRule {
  readonly max: number;
  readonly min?: number;
  /** Whether the empty text is valid. */
  readonly optional?: boolean;
  readonly pattern?: RegExp;
  /** Description of the violation when a text does not match `pattern`. */
  readonly hint?: string;
}

/** Rules of texts that several services accept. */
export const textRules = {
  sku: { max: 64, pattern: /^[A-Za-z0-9._-]+$/, hint: "may contain only A-Z, a-z, 0-9, '.', '_' and '-'" },
  uuid: {
    max: 36,
    pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    hint: 'must be a lower-case UUID',
  },
  requestId: { max: 128, optional: true },
  /** Operators' texts. Their patterns limit the code points. */
  actor: { max: Infinity, pattern: /^[^]{1,128}$/u, hint: 'must be at most 128 characters' },
  actorReason: { max: Infinity, pattern: /^[^]{1,200}$/u, hint: 'must be at most 200 characters' },
  paymentMethod: {
    max: 64,
    pattern: /^pm_(?!.*(?:\d_*){12})[a-z0-9_]+$/,
    hint: 'must be a payment-method token: "pm_" and a-z, 0-9, "_"; never a card number',
  },
} satisfies Record<string, TextRule>;
