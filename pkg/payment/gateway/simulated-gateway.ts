import { isAppError } from '../../errors/index.js';
import { fingerprint, type Database, type Transaction } from '../../postgres/index.js';
import type { IdSource, pause } from '../../runtime/index.js';
import type { SimulatedGatewayConfig } from '../config.js';
import type { ChargeBatches } from './charge-batches.js';
import {
  GatewayInDoubt,
  type AuthorizeAnswer,
  type AuthorizeRequest,
  type CancelRefundAnswer,
  type CaptureAnswer,
  type GatewayRecord,
  type GatewayTransaction,
  type KeyedCall,
  type PaymentGateway,
  type RefundAnswer,
  type TransactionPageRequest,
  type VoidAnswer,
} from './gateway.js';
import {
  findGatewayRefund,
  insertCancelledRefund,
  insertGatewayRefund,
  lockCharge,
  sumPendingRefunds,
  type GatewayRefund,
  type LaterRefundAnswer,
} from './refund-store.js';
import {
  chargeForgottenKey,
  expireCharge,
  failAttempt,
  findCharge,
  listTransactions,
  readGatewayRecord,
  voidCharge,
  type ChargeRequest,
  type Decision,
  type GatewayCharge,
} from './store.js';
import { adviceOf, scriptOf, type Script } from './test-methods.js';

export interface SimulatedGatewayDeps {
  readonly db: Database;
  readonly charges: ChargeBatches;
  readonly config: SimulatedGatewayConfig;
  /** Returns a uniform random number in [0, 1). */
  readonly random: () => number;
  readonly wait: typeof pause;
  readonly newId: IdSource;
}

/**
 * A payment processor that moves no money. The payment method selects the behavior (see `test-methods.ts`). Like an
 * external processor, the gateway has its own tables and transactions. An answer is lost or
 * slow only for the first call, and only after the effect of the call is stored.
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
      const decided = await this.#deps.charges.decide(
        { request: charge, decision: this.#decide(script) },
        request,
      );
      if (!decided) {
        await chargeForgottenKey(db, { ...this.#keyOf(request), reference: this.#newReference() });
        return storedAnswer(await findCharge(db, request.key), charge);
      }
      await this.#delayOrLoseAnswer(script, request.signal);
      return storedAnswer(decided, charge);
    });
  }

  capture({ key, signal, amount }: KeyedCall & { readonly amount: bigint }): Promise<CaptureAnswer> {
    return this.#serve(signal, async (db) => {
      const changed = await this.#deps.charges.capture({ key, amount }, { signal });
      if (changed && losesAnswer(changed, 'CAPTURE')) throw new GatewayInDoubt('TIMEOUT');
      const charge = changed ?? (await findCharge(db, key));
      if (!charge) return { outcome: 'NOT_AUTHORIZED' };
      return charge.captured > 0n
        ? { outcome: 'CAPTURED', amount: charge.captured }
        : this.#refuseCapture(db, key, charge);
    });
  }

  void({ key, signal }: KeyedCall): Promise<VoidAnswer> {
    return this.#serve(signal, async (db) => {
      const charge = (await voidCharge(db, key)) ?? (await findCharge(db, key));
      if (charge && charge.captured > 0n) return { outcome: 'CAPTURED', amount: charge.captured };
      if (charge?.expired) return { outcome: 'EXPIRED' };
      return { outcome: 'VOIDED', released: charge?.reference === undefined ? undefined : charge.amount };
    });
  }

  refund({ signal, ...refund }: KeyedCall & GatewayRefund): Promise<RefundAnswer> {
    return this.#serve(signal, async (db) => {
      const { isNew, charge, answer } = await db.transaction((tx) => this.#refundOnce(tx, refund));
      if (isNew && charge && losesAnswer(charge, 'REFUND')) throw new GatewayInDoubt('TIMEOUT');
      return answer;
    });
  }

  lookup({ key, signal }: KeyedCall): Promise<GatewayRecord> {
    return this.#serve(signal, (db) => readGatewayRecord(db, key));
  }

  lookupRefund({
    key,
    refundKey,
    signal,
  }: KeyedCall & { readonly refundKey: string }): Promise<RefundAnswer | undefined> {
    return this.#serve(signal, async (db) => {
      const refund = await findGatewayRefund(db, { ...this.#keyOf({ key }), refundKey });
      return refund && { outcome: refund.state };
    });
  }

  cancelRefund({
    key,
    refundKey,
    signal,
  }: KeyedCall & { readonly refundKey: string }): Promise<CancelRefundAnswer> {
    return this.#serve(signal, (db) =>
      db.transaction(async (tx): Promise<CancelRefundAnswer> => {
        const charge = await lockCharge(tx, key);
        const earlier = await findGatewayRefund(tx, { ...this.#keyOf({ key }), refundKey });
        // Without a charge, no refund takes effect.
        if (charge && !earlier) await insertCancelledRefund(tx, key, refundKey);
        const { state, amount = null } = earlier ?? {};
        if (state === undefined || amount === null) return { outcome: 'CANCELLED' };
        return state === 'DECLINED' ? { outcome: state } : { outcome: state, amount };
      }),
    );
  }

  listTransactions({ signal, ...page }: TransactionPageRequest): Promise<readonly GatewayTransaction[]> {
    return this.#serve(signal, (db) => listTransactions(db, page));
  }

  /** Adds the configured latency and hides internal errors, as an external processor does. */
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
    if (script.kind === 'DECLINE') return declined(script.code);
    if (script.isFallible && random() < config.failureRate) return declined('DO_NOT_HONOR');
    const eventId = newId();
    const { actionDelayMs: delayMs, actionTimeoutMs } = config;
    switch (script.decides) {
      case 'NOW':
        return { outcome: 'APPROVED', reference: this.#newReference() };
      case 'LATER':
        return { outcome: 'PENDING', later: { eventId, outcome: 'APPROVED', delayMs } };
      case 'AFTER_ACTION':
        return {
          outcome: 'ACTION_REQUIRED',
          actionTimeoutMs,
          later: { eventId, outcome: 'APPROVED', delayMs },
        };
      case 'ACTION_EXPIRES':
        return {
          outcome: 'ACTION_REQUIRED',
          actionTimeoutMs,
          later: { eventId, outcome: 'EXPIRED', delayMs: actionTimeoutMs },
        };
    }
  }

  async #delayOrLoseAnswer(script: Script, signal: AbortSignal): Promise<void> {
    if (script.kind === 'DECLINE') return;
    if (script.losesAnswerOf === 'AUTHORIZE') throw new GatewayInDoubt('TIMEOUT');
    const { wait, config } = this.#deps;
    if (script.isSlow && !(await wait(config.slowDelayMs, signal))) throw new GatewayInDoubt('TIMEOUT');
  }

  async #refuseCapture(db: Database, key: string, { method, status }: GatewayCharge): Promise<CaptureAnswer> {
    if (status?.outcome === 'VOIDED' || status?.outcome === 'EXPIRED') return status;
    const script = scriptOf(method ?? '');
    if (script.kind === 'DECLINE' || status?.outcome !== 'APPROVED') return { outcome: 'NOT_AUTHORIZED' };
    if (script.capture === 'DECLINED') return declined('DO_NOT_HONOR');
    if (script.capture === 'CAPTURED') return { outcome: 'NOT_AUTHORIZED' };
    return (await expireCharge(db, key)) ? { outcome: 'EXPIRED' } : { outcome: 'VOIDED' };
  }

  /** Makes a refund once per refund key. */
  async #refundOnce(
    tx: Transaction,
    refund: GatewayRefund,
  ): Promise<{ isNew: boolean; charge: GatewayCharge | undefined; answer: RefundAnswer }> {
    const { key, refundKey, amount } = refund;
    const charge = await lockCharge(tx, key);
    const earlier = await findGatewayRefund(tx, { ...this.#keyOf(refund), refundKey });
    const isCancelled = earlier?.amount === null;
    if (earlier && (isCancelled || !earlier.isForgotten)) {
      const outcome = earlier.amount === amount ? earlier.state : 'DECLINED';
      return { isNew: false, charge, answer: { outcome } };
    }
    const rest = charge ? charge.captured - charge.refunded - (await sumPendingRefunds(tx, key)) : 0n;
    if (!charge || rest < amount) return { isNew: true, charge: undefined, answer: { outcome: 'DECLINED' } };
    const { state, later } = this.#decideRefund(charge);
    await insertGatewayRefund(tx, { key, refundKey, amount, state, later });
    return { isNew: true, charge, answer: { outcome: state } };
  }

  #decideRefund({ method }: GatewayCharge): {
    state: RefundAnswer['outcome'];
    later: LaterRefundAnswer | undefined;
  } {
    const script = scriptOf(method ?? '');
    const refund = script.kind === 'APPROVE' ? script.refund : 'REFUNDED';
    if (refund === 'REFUNDED' || refund === 'DECLINED') return { state: refund, later: undefined };
    const outcome = refund === 'REFUNDED_LATER' ? 'REFUNDED' : 'DECLINED';
    const { newId, config } = this.#deps;
    return { state: 'PENDING', later: { eventId: newId(), outcome, delayMs: config.actionDelayMs } };
  }

  #keyOf({ key }: { readonly key: string }): { readonly key: string; readonly keyLifetimeMs: number } {
    return { key, keyLifetimeMs: this.#deps.config.keyLifetimeMs };
  }

  #newReference(): string {
    return `sim_${this.#deps.newId()}`;
  }
}

function declined(code: keyof typeof adviceOf): Extract<Decision, { outcome: 'DECLINED' }> {
  return { outcome: 'DECLINED', decline: { code, advice: adviceOf[code] } };
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

function storedAnswer(charge: GatewayCharge | undefined, request: ChargeRequest): AuthorizeAnswer {
  if (charge?.voided) return { outcome: 'VOIDED' };
  if (charge?.fingerprint?.equals(request.fingerprint) !== true) return { outcome: 'KEY_REUSED' };
  if (!charge.status) throw new GatewayInDoubt('UNAVAILABLE');
  return charge.status;
}

function losesAnswer({ method }: GatewayCharge, call: 'CAPTURE' | 'REFUND'): boolean {
  const script = scriptOf(method ?? '');
  return script.kind === 'APPROVE' && script.losesAnswerOf === call;
}
