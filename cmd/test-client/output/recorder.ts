import { inspect, isDeepStrictEqual } from 'node:util';
import type { Order } from '../../../pkg/pb/order/v1/order.js';
import type { CallMeasurement, CallSuccess } from '../context/calls.js';
import type { Retries } from '../context/retry.js';
import { outcomeOf, rejectionDetails } from './format.js';
import { formatAmount } from '../../audit/checks/amounts.js';
import { formatMs } from './latency.js';
import type { Printer } from '../../terminal/printer.js';

/** An action of a scenario and its result. */
export interface Step {
  readonly text: string;
  readonly orderId?: string;
  /** State and rejection reason of the order, such as `REJECTED OUT_OF_STOCK`. */
  readonly outcome?: string;
  readonly total?: string;
  readonly latencyMs?: number;
  readonly traceId?: string;
}

export interface Check {
  readonly title: string;
  readonly passed: boolean;
  /** `expected` and `actual` are set only when the check failed. */
  readonly expected?: string;
  readonly actual?: string;
}

/** Prints and collects the steps and checks of one scenario. */
export class Recorder {
  readonly steps: Step[] = [];
  readonly checks: Check[] = [];
  readonly #printer: Printer;

  constructor(printer: Printer) {
    this.#printer = printer;
  }

  /** Prints a description of the next action. */
  info(text: string): void {
    this.#printer.info(text);
  }

  /** Records an observation. */
  note(text: string): void {
    this.steps.push({ text });
    this.#printer.result(text);
  }

  /** Records the result of a call. */
  call(text: string, { latencyMs, traceId }: CallMeasurement): void {
    this.steps.push({ text, latencyMs, traceId });
    this.#printer.result(text, measurementDetails({ latencyMs, traceId }));
  }

  /** Records a call whose response contains an order. */
  order(text: string, result: CallSuccess<Order> & Partial<Retries>): void {
    const { orderId, total: amount } = result.value;
    const { latencyMs, traceId, retries = [] } = result;
    const total = formatAmount(amount);
    const outcome = outcomeOf(result.value);
    this.steps.push({ text, orderId, outcome, total, latencyMs, traceId });
    const retried = retries.length > 0 ? `retried after ${retries.join(', ')}` : '';
    const details = [rejectionDetails(result.value), total, `order ${orderId}`];
    this.#printer.result(`${text}: ${outcome}`, [...details, ...measurementDetails(result), retried]);
  }

  /** Compares the actual and the expected value. Returns true when the check passed. */
  check(title: string, actual: unknown, expected: unknown): boolean {
    const passed = isDeepStrictEqual(actual, expected);
    const difference = { expected: formatValue(expected), actual: formatValue(actual) };
    this.checks.push({ title, passed, ...(passed ? {} : difference) });
    const details = [`expected ${difference.expected}`, `actual   ${difference.actual}`];
    this.#printer.status(passed ? 'passed' : 'failed', title, passed ? [] : details);
    return passed;
  }

  /** Records an error that ended the scenario. */
  failed(error: unknown): void {
    const actual = error instanceof Error ? error.message : String(error);
    this.check('the scenario completes', actual, 'no error');
  }
}

function measurementDetails({ latencyMs, traceId }: CallMeasurement): string[] {
  return [formatMs(latencyMs), traceId === '' ? '' : `trace ${traceId}`];
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  return inspect(value, { breakLength: Infinity, compact: true });
}
