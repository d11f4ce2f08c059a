import { inspect, isDeepStrictEqual } from 'node:util';
import type { Order } from '../../pkg/pb/order/v1/order.js';
import { showAmount } from './amounts.js';
import type { Answer, Measured } from './answer.js';
import { outcomeOf, rejectionFacts } from './describe.js';
import type { Repeated } from './persist.js';
import { formatMs } from './latency.js';
import type { Narrator } from './narrator.js';

/** One thing that was done in a scenario, and what came of it. */
export interface Step {
  readonly text: string;
  readonly orderId?: string;
  /** Such as `REJECTED OUT_OF_STOCK`. */
  readonly outcome?: string;
  readonly total?: string;
  readonly latencyMs?: number;
  readonly traceId?: string;
}

/** One thing that must be true. */
export interface Check {
  readonly title: string;
  readonly passed: boolean;
  /** Set when it failed. */
  readonly expected?: string;
  readonly actual?: string;
}

/** Tells one scenario while it happens and keeps what was told. */
export class Story {
  readonly steps: Step[] = [];
  readonly checks: Check[] = [];
  readonly #narrator: Narrator;

  constructor(narrator: Narrator) {
    this.#narrator = narrator;
  }

  /** What is about to be done. */
  say(text: string): void {
    this.#narrator.say(text);
  }

  /** Something that was seen. */
  note(text: string): void {
    this.steps.push({ text });
    this.#narrator.result(text);
  }

  /** Something on its way, for people who wait. */
  passing(text: string): void {
    this.#narrator.passing(text);
  }

  clear(): void {
    this.#narrator.clear();
  }

  /** An answer to a call. */
  answered(text: string, { latencyMs, traceId }: Measured): void {
    this.steps.push({ text, latencyMs, traceId });
    this.#narrator.result(text, timing({ latencyMs, traceId }));
  }

  /** An order as a service answered it. */
  order(text: string, answer: Answer<Order> & Partial<Repeated>): void {
    const { orderId, total } = answer.value;
    const { latencyMs, traceId } = answer;
    const cost = showAmount(total);
    const outcome = outcomeOf(answer.value);
    this.steps.push({ text, orderId, outcome, total: cost, latencyMs, traceId });
    const again = answer.repeats?.length ? `sent again after ${answer.repeats.join(', ')}` : '';
    const facts = [rejectionFacts(answer.value), cost, `order ${orderId}`, ...timing(answer), again];
    this.#narrator.result(`${text}: ${outcome}`, facts);
  }

  /** Checks that something is as a user expects it. */
  expect(title: string, actual: unknown, expected: unknown): boolean {
    const passed = isDeepStrictEqual(actual, expected);
    const difference = { expected: show(expected), actual: show(actual) };
    this.checks.push({ title, passed, ...(passed ? {} : difference) });
    const detail = [`expected ${difference.expected}`, `actual   ${difference.actual}`];
    this.#narrator.mark(passed ? 'passed' : 'failed', title, passed ? [] : detail);
    return passed;
  }

  /** The scenario could not be played to its end. */
  broke(error: unknown): void {
    const actual = error instanceof Error ? error.message : String(error);
    this.expect('it comes to its end', actual, 'no failure');
  }
}

function timing({ latencyMs, traceId }: Measured): string[] {
  return [formatMs(latencyMs), traceId === '' ? '' : `trace ${traceId}`];
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  return inspect(value, { breakLength: Infinity, compact: true });
}
