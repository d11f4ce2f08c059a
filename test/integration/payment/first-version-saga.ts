import { isAppError, type Reason } from '../../../pkg/errors/index.js';
import {
  PaymentState,
  PaymentView,
  type AuthorizePaymentRequest,
} from '../../../pkg/pb/payment/v1/payment.js';
import { waitFor } from '../../support/wait-for.js';
import type { PaymentClient } from './server.js';

type Answer = 'DONE' | 'REFUSED';

/** Errors that the first version of the order service takes for definite. Any other error leaves the step in doubt. */
const definite: ReadonlySet<Reason> = new Set<Reason>([
  'PAYMENT_VOIDED',
  'PAYMENT_NOT_FOUND',
  'ILLEGAL_TRANSITION',
  'REQUEST_ID_REUSED',
  'VALIDATION_FAILED',
]);

const returned = new Set([PaymentState.REFUNDED, PaymentState.VOIDED, PaymentState.DECLINED]);

/**
 * The payment steps of an order of the first version of the order service, which knows no accepted results. It takes
 * every payment that is not DECLINED for an authorized one, and every response to a capture for a captured payment.
 */
export class FirstVersionSaga {
  readonly #client: PaymentClient;
  readonly #request: AuthorizePaymentRequest;

  constructor(client: PaymentClient, request: AuthorizePaymentRequest) {
    this.#client = client;
    this.#request = { ...request, acceptedResults: [] };
  }

  /** Drives the order until it is terminal. */
  async drive(): Promise<'CONFIRMED' | 'REJECTED'> {
    if ((await repeat(() => this.authorize())) === 'REFUSED') return 'REJECTED';
    if ((await repeat(() => this.capture())) === 'DONE') return 'CONFIRMED';
    if ((await repeat(() => this.void())) === 'REFUSED') await repeat(() => this.refund());
    return 'REJECTED';
  }

  async authorize(): Promise<Answer> {
    const { payment } = await this.#client.authorizePayment(this.#request);
    return payment?.state === PaymentState.DECLINED ? 'REFUSED' : 'DONE';
  }

  async capture(): Promise<Answer> {
    const { paymentId, amount } = this.#request;
    await this.#client.capturePayment({ paymentId, amount, acceptedResults: [] });
    return 'DONE';
  }

  async void(): Promise<Answer> {
    await this.#client.voidPayment({ paymentId: this.#request.paymentId });
    return 'DONE';
  }

  async refund(): Promise<Answer> {
    const { paymentId } = this.#request;
    const { payment } = await this.#client.getPayment({ paymentId, view: PaymentView.BASIC });
    if (!payment || returned.has(payment.state)) return 'DONE';
    await this.#client.refundPayment({ requestId: `${paymentId}/refund`, paymentId, amount: undefined });
    return 'DONE';
  }
}

/** Repeats a step in doubt. */
function repeat(step: () => Promise<Answer>): Promise<Answer> {
  return waitFor(
    () =>
      step().catch((error: unknown) => {
        if (!isAppError(error)) throw error;
        return definite.has(error.reason) && 'REFUSED';
      }),
    'definite answer to a step',
  );
}
