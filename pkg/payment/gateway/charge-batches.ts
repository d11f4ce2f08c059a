import { Batcher, done, doneUnlessContended, type Database } from '../../postgres/index.js';
import type { Batching, WaitLimits } from '../../runtime/index.js';
import {
  captureCharges,
  decideCharges,
  type ChargeCapture,
  type DecidedCharge,
  type GatewayCharge,
} from './store.js';
import { captureRefusingMethods } from './test-methods.js';

/** Time before another attempt to capture a charge whose row another transaction holds. */
const contendedDelayMs = 50;
/** Maximum number of batches of one operation in flight. */
const concurrency = 2;

/** Writes of the simulated gateway that concurrent calls share: one statement and one commit for many charges. */
export class ChargeBatches {
  readonly #decide: Batcher<DecidedCharge, GatewayCharge | undefined>;
  readonly #capture: Batcher<ChargeCapture, { readonly changed: GatewayCharge | undefined }>;

  constructor(db: Database, batching: Batching) {
    const writes = { batching, concurrency, contendedDelayMs, sameBody: () => false };
    this.#decide = new Batcher({
      ...writes,
      operation: 'gateway.decide',
      keyOf: ({ request }) => request.key,
      execute: async (charges) => {
        const decided = await decideCharges(db, charges);
        return charges.map(({ request }) => done(decided.get(request.key)));
      },
    });
    this.#capture = new Batcher({
      ...writes,
      operation: 'gateway.capture',
      keyOf: ({ key }) => key,
      execute: async (captures) => {
        const captured = await captureCharges(db, captures, captureRefusingMethods);
        return captures.map(({ key }) => doneUnlessContended(captured.get(key)));
      },
    });
  }

  /** Returns undefined, without a change, if the charge already has an answer, is voided, or is of another request. */
  decide(charge: DecidedCharge, limits: WaitLimits): Promise<GatewayCharge | undefined> {
    return this.#decide.run(charge, limits);
  }

  /** Returns undefined, without a change, if the charge cannot be captured or is captured already. */
  async capture(capture: ChargeCapture, limits: WaitLimits): Promise<GatewayCharge | undefined> {
    return (await this.#capture.run(capture, limits)).changed;
  }

  /** Completes the calls in progress and rejects further calls. */
  async close(): Promise<void> {
    await Promise.all([this.#decide.close(), this.#capture.close()]);
  }
}
