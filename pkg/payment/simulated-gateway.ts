import { isAppError } from '../errors/index.js';
import { fingerprint, type Database, type Transaction } from '../postgres/index.js';
import type { IdSource, pause } from '../runtime/index.js';
import type { SimulatedGatewayConfig } from './config.js';
import {
  captureCharge,
  decideCharge,
  failAttempt,
  findCharge,
  readGatewayBooks,
  voidCharge,
  type ChargeRequest,
} from './gateway-charge-store.js';
import type { GatewayCharge } from './gateway-charge-row.js';
import {
  findGatewayRefund,
  lockCharge,
  makeGatewayRefund,
  type GatewayRefund,
} from './gateway-refund-store.js';
import {
  GatewayInDoubt,
  type AuthorizeAnswer,
  type AuthorizeRequest,
  type CaptureAnswer,
  type GatewayBooks,
  type KeyedCall,
  type PaymentGateway,
  type RefundAnswer,
  type VoidAnswer,
} from './gateway.js';
import { adviceAfter, scriptOf, type Script } from './test-methods.js';

export interface SimulatedGatewayDeps {
  readonly db: Database;
  readonly config: SimulatedGatewayConfig;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly wait: typeof pause;
  readonly newId: IdSource;
}

type Decision = NonNullable<GatewayCharge['answer']>;

/**
 * A payment processor that moves no money, driven by the payment method (see `test-methods.ts`). It
 * keeps books of its own and commits by itself, as one outside would. An answer is lost or slow only
 * the first time, after its effect is stored.
 */
export class SimulatedGateway implements PaymentGateway {
  readonly #deps: SimulatedGatewayDeps;

  constructor(deps: SimulatedGatewayDeps) {
    this.#deps = deps;
  }

  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer> {
    return this.#serve(request.signal, async (db) => {
      const charge = toChargeRequest(request);
      const script = scriptOf(request.method);
      if (
        script.kind === 'APPROVE' &&
        script.failures > 0 &&
        (await failAttempt(db, charge, script.failures))
      )
        throw new GatewayInDoubt('UNAVAILABLE');
      const decision = this.#decide(script);
      if (!(await decideCharge(db, charge, decision)))
        return firstAnswer(await findCharge(db, request.key), charge);
      await this.#troubleAnswer(script, request.signal);
      return authorizeAnswer(decision);
    });
  }

  capture({ key, signal, amount }: KeyedCall & { readonly amount: bigint }): Promise<CaptureAnswer> {
    return this.#serve(signal, async (db) => {
      const changed = await captureCharge(db, key, amount);
      if (changed && loses(changed, 'CAPTURE')) throw new GatewayInDoubt('TIMEOUT');
      const charge = changed ?? (await findCharge(db, key));
      if (charge?.voided) return { outcome: 'VOIDED' };
      if (!charge || charge.captured === 0n) return { outcome: 'NOT_AUTHORIZED' };
      return { outcome: 'CAPTURED', amount: charge.captured };
    });
  }

  void({ key, signal }: KeyedCall): Promise<VoidAnswer> {
    return this.#serve(signal, async (db) => {
      const charge = (await voidCharge(db, key)) ?? (await findCharge(db, key));
      if (charge && charge.captured > 0n) return { outcome: 'CAPTURED', amount: charge.captured };
      const isApproved = charge?.answer !== undefined && 'reference' in charge.answer;
      return { outcome: 'VOIDED', released: isApproved ? charge.amount : undefined };
    });
  }

  refund({ signal, ...refund }: KeyedCall & GatewayRefund): Promise<RefundAnswer> {
    return this.#serve(signal, async (db) => {
      const { isNew, charge } = await db.transaction((tx) => refundOnce(tx, refund));
      if (!charge) return { outcome: 'REFUSED' };
      if (isNew && loses(charge, 'REFUND')) throw new GatewayInDoubt('TIMEOUT');
      return { outcome: 'REFUNDED' };
    });
  }

  lookup({ key, signal }: KeyedCall): Promise<GatewayBooks> {
    return this.#serve(signal, (db) => readGatewayBooks(db, key));
  }

  /** Takes its time, and hides what goes wrong inside, as a processor outside does. */
  async #serve<T>(signal: AbortSignal, work: (db: Database) => Promise<T>): Promise<T> {
    const { db, wait, config } = this.#deps;
    if (config.latencyMs > 0) await wait(config.latencyMs, signal);
    if (signal.aborted) throw new GatewayInDoubt('TIMEOUT');
    try {
      return await work(db);
    } catch (error) {
      throw isAppError(error) ? new GatewayInDoubt('UNAVAILABLE', error) : error;
    }
  }

  #decide(script: Script): Decision {
    const { random, config, newId } = this.#deps;
    if (script.kind === 'DECLINE')
      return { decline: { code: script.code, advice: adviceAfter[script.code] } };
    if (script.isFallible && random() < config.failureRate)
      return { decline: { code: 'DO_NOT_HONOR', advice: adviceAfter.DO_NOT_HONOR } };
    return { reference: `sim_${newId()}` };
  }

  async #troubleAnswer(script: Script, signal: AbortSignal): Promise<void> {
    if (script.kind === 'DECLINE') return;
    if (script.losesAnswerOf === 'AUTHORIZE') throw new GatewayInDoubt('TIMEOUT');
    const { wait, config } = this.#deps;
    if (script.isSlow && !(await wait(config.slowDelayMs, signal))) throw new GatewayInDoubt('TIMEOUT');
  }
}

function toChargeRequest({ key, amount, orderId, method }: AuthorizeRequest): ChargeRequest {
  const { currency, minor } = amount;
  return {
    key,
    method,
    currency,
    amount: minor,
    fingerprint: fingerprint({ orderId, method, currency, minor }),
  };
}

function authorizeAnswer(decision: Decision): AuthorizeAnswer {
  return 'decline' in decision ? { outcome: 'DECLINED', ...decision } : { outcome: 'APPROVED', ...decision };
}

function firstAnswer(charge: GatewayCharge | undefined, request: ChargeRequest): AuthorizeAnswer {
  if (charge?.voided) return { outcome: 'VOIDED' };
  if (charge?.fingerprint?.equals(request.fingerprint) !== true) return { outcome: 'KEY_REUSED' };
  if (!charge.answer) throw new GatewayInDoubt('UNAVAILABLE');
  return authorizeAnswer(charge.answer);
}

function loses({ method }: GatewayCharge, call: 'CAPTURE' | 'REFUND'): boolean {
  const script = scriptOf(method ?? '');
  return script.kind === 'APPROVE' && script.losesAnswerOf === call;
}

/** `charge` is undefined when it does not hold so much. */
async function refundOnce(
  tx: Transaction,
  refund: GatewayRefund,
): Promise<{ isNew: boolean; charge: GatewayCharge | undefined }> {
  const charge = await lockCharge(tx, refund.key);
  const before = await findGatewayRefund(tx, refund);
  if (before !== undefined) return { isNew: false, charge: before === refund.amount ? charge : undefined };
  if (!charge || charge.captured - charge.refunded < refund.amount) return { isNew: true, charge: undefined };
  await makeGatewayRefund(tx, refund);
  return { isNew: true, charge };
}
