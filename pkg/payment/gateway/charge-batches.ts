import { Batcher, done, type Database } from '../../postgres/index.js';
import type { Batching, WaitLimits } from '../../runtime/index.js';
import {
  captureCharges,
  decideCharges,
  type ChargeCapture,
  type DecidedCharge,
  type GatewayCharge,
} from './store.js';
import { captureRefusingMethods } from './test-methods.js';

/** Maximum number of batches of one operation in flight. */
const concurrency = 2;

/** Writes of the simulated gateway that concurrent calls share: one statement and one commit for many charges. */
export class ChargeBatches {
  readonly #decide: Batcher<DecidedCharge, GatewayCharge | undefined>;
  readonly #capture: Batcher<ChargeCapture, GatewayCharge | undefined>;

  constructor(db: Database, batching: Batching) {
    const writes = { batching, concurrency, sameBody: () => false };
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
        return captures.map(({ key }) => done(captured.get(key)));
      },
    });
  }

  /** Returns undefined, without a change, if the charge already has an answer, is voided, or is of another request. */
  decide(charge: DecidedCharge, limits: WaitLimits): Promise<GatewayCharge | undefined> {
    return this.#decide.run(charge, limits);
  }

  /** Returns undefined, without a change, if the charge cannot be captured or is captured already. */
  capture(capture: ChargeCapture, limits: WaitLimits): Promise<GatewayCharge | undefined> {
    return this.#capture.run(capture, limits);
  }

  /** Completes the calls in progress and rejects further calls. */
  async close(): Promise<void> {
    await Promise.all([this.#decide.close(), this.#capture.close()]);
  }
}
