import type { CallOptions } from '../../rpc/index.js';
import type { OrderRefund, RefundAnswer, RefundPort } from '../operator/refund.js';

/** Replaces or surrounds the `effect` of one refund call, like a fault of a saga step. */
export type RefundFault = (
  effect: () => RefundAnswer,
  options: CallOptions,
) => Promise<RefundAnswer | undefined>;

/** In-memory payment service for partial refunds. It stores its first definite answer under the id of the refund. */
export class FakeRefunds implements RefundPort {
  readonly calls: OrderRefund[] = [];
  /** One fault for each call, in sequence. Calls without a fault take effect. */
  readonly faults: RefundFault[] = [];
  readonly #answers = new Map<string, { readonly refund: OrderRefund; readonly answer: RefundAnswer }>();

  async refund(refund: OrderRefund, options: CallOptions): Promise<RefundAnswer> {
    this.calls.push(refund);
    const effect = (): RefundAnswer => this.#answer(refund, { state: 'SUCCEEDED' });
    const answer = await this.faults.shift()?.(effect, options);
    return answer ? this.#answer(refund, answer) : effect();
  }

  /** Returns the money that an order got back, in minor units. */
  refundedOf(orderId: string): bigint {
    return [...this.#answers.values()]
      .filter(({ refund, answer }) => refund.orderId === orderId && answer.state === 'SUCCEEDED')
      .reduce((sum, { refund }) => sum + refund.amount.minor, 0n);
  }

  #answer(refund: OrderRefund, answer: RefundAnswer): RefundAnswer {
    const known = this.#answers.get(refund.id);
    if (known) return known.answer;
    this.#answers.set(refund.id, { refund, answer });
    return answer;
  }
}
