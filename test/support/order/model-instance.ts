import { isAppError } from '../../../pkg/errors/index.js';
import { ReservationState, type InventoryServiceService } from '../../../pkg/pb/inventory/v1/inventory.js';
import { PaymentState, RefundState, type PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import { toWire } from '../../../pkg/money/index.js';
import { inventoryPort, paymentPort } from '../../../pkg/order/clients/clients.js';
import { resolutionPort } from '../../../pkg/order/clients/resolution-port.js';
import type { Database } from '../../../pkg/postgres/index.js';
import type { RpcClient } from '../../../pkg/rpc/index.js';
import { refusal, type Decision, type Method, type ModelServices } from './model-services.js';

/** What happens to one call of a step. */
export const disturbances = [
  'none',
  'not sent',
  'answer lost',
  'delayed until the end',
  'refused by another version: REQUEST_ID_REUSED',
  'refused by another version: VALIDATION_FAILED',
  'answered by an earlier version',
  'captured after a declined capture',
  'refused',
  'expired',
  'expired, answer lost',
  'waits for the customer',
  'answered later',
  'after a pending partial refund',
  'refused after a failover',
  'refused although it took effect',
  'after a partial refund',
  'cancelled before the effect',
  'crash before the call',
  'crash after the call is delayed',
  'crash after the effect',
  'crash after the answer',
  'crash after the next write',
] as const;
export type Disturbance = (typeof disturbances)[number];

/** Shared by all instances that drive one order. */
export interface ModelWorld {
  readonly services: ModelServices;
  /** Disturbances of the next calls. */
  readonly script: Disturbance[];
  /** Disturbance of all later calls. */
  readonly rest: 'none' | 'answered by an earlier version';
  /** Calls that arrive after the order is terminal. */
  readonly delayed: (() => void)[];
  cancel(): Promise<void>;
}

const methods: Readonly<Record<string, Method>> = {
  reserveStock: 'reserve',
  commitReservation: 'commit',
  releaseReservation: 'release',
  authorizePayment: 'authorize',
  capturePayment: 'capture',
  voidPayment: 'void',
  refundPayment: 'refund',
};

const decisions: Partial<Record<Disturbance, Decision>> = {
  refused: 'REFUSE',
  'refused after a failover': 'REFUSE',
  expired: 'EXPIRE',
  'expired, answer lost': 'EXPIRE',
  'waits for the customer': 'WAIT',
  'answered later': 'PEND',
  'after a pending partial refund': 'PEND',
};

const never = new Promise<never>(() => undefined);

/** One process that drives the order. After a crash, its calls and statements never return. */
export class ModelInstance {
  readonly #world: ModelWorld;
  readonly crashed: Promise<void>;
  #resolve: () => void = () => undefined;
  #isDead = false;
  #diesAfterWrite = false;

  constructor(world: ModelWorld) {
    this.#world = world;
    this.crashed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get inventory() {
    return inventoryPort(this.#client() as RpcClient<typeof InventoryServiceService>);
  }

  get resolutions() {
    const client = this.#client();
    return resolutionPort({
      payment: client as RpcClient<typeof PaymentServiceService>,
      inventory: client as RpcClient<typeof InventoryServiceService>,
    });
  }

  get payment() {
    return paymentPort(this.#client() as RpcClient<typeof PaymentServiceService>);
  }

  database(db: Database): Database {
    const query: Database['query'] = async (statement) => {
      if (this.#isDead) return never;
      const rows = await db.query(statement);
      if (this.#diesAfterWrite) this.#crash();
      return this.#isDead ? never : (rows as never);
    };
    return Object.assign(Object.create(db) as Database, { query, within: () => ({ query }) });
  }

  #crash(): void {
    this.#isDead = true;
    this.#resolve();
  }

  #client(): object {
    return new Proxy(
      {},
      { get: (_, name) => (request: object) => this.#call(String(name), request as { requestId?: string }) },
    );
  }

  async #call(name: string, { requestId = '' }: { requestId?: string }): Promise<object> {
    const { services, script, rest } = this.#world;
    if (this.#isDead) return never;
    if (name === 'cancelRefund') return { state: RefundState[services.cancelRefund(requestId)] };
    if (name === 'recordExternalRefund') services.refundExternally();
    const method = methods[name];
    if (!method && name !== 'getPayment') return answerOf(services);
    const disturbance = script.shift() ?? rest;
    if (!method) return this.#disturb(disturbance, () => answerOf(services));
    const execute = (): object => {
      services.execute(method, decisions[disturbance] ?? 'APPROVE', requestId);
      return answerOf(services);
    };
    if (disturbance === 'answered by an earlier version') return asBefore(services, method, execute);
    if (disturbance === 'captured after a declined capture') services.captureLate();
    // Only the reserve and commit steps can meet a lost reservation: after CommitReservation has succeeded, the saga does not notice a failover of inventory.
    const isStockStep = method === 'reserve' || method === 'commit';
    if (disturbance === 'refused after a failover' && isStockStep) services.loseReservation();
    if (disturbance === 'after a partial refund' && method === 'refund') services.refundPart();
    if (disturbance === 'after a pending partial refund' && method === 'refund') services.refundPartLater();
    if (disturbance === 'refused although it took effect') {
      if (method === 'reserve' && services.effects.stock !== 'NONE') throw refusal('OUT_OF_STOCK');
      if (method === 'authorize' && services.payment) return declinedAnswer;
    }
    return this.#disturb(disturbance, execute);
  }

  async #disturb(disturbance: Disturbance, execute: () => object): Promise<object> {
    const { delayed } = this.#world;
    switch (disturbance) {
      case 'not sent':
        throw refusal('DEPENDENCY_UNAVAILABLE');
      case 'answer lost':
      case 'expired, answer lost':
        ignoreRefusal(execute);
        throw refusal('DEADLINE_EXCEEDED');
      case 'delayed until the end':
        delayed.push(execute);
        throw refusal('DEADLINE_EXCEEDED');
      case 'refused by another version: REQUEST_ID_REUSED':
        throw refusal('REQUEST_ID_REUSED');
      case 'refused by another version: VALIDATION_FAILED':
        throw refusal('VALIDATION_FAILED');
      case 'cancelled before the effect':
        await this.#world.cancel();
        return execute();
      case 'crash before the call':
        this.#crash();
        return never;
      case 'crash after the call is delayed':
        delayed.push(execute);
        this.#crash();
        return never;
      case 'crash after the effect':
        ignoreRefusal(execute);
        this.#crash();
        return never;
      case 'crash after the answer':
        this.#crash();
        return execute();
      case 'crash after the next write':
        this.#diesAfterWrite = true;
        return execute();
      default:
        return execute();
    }
  }
}

function ignoreRefusal(execute: () => object): void {
  try {
    execute();
  } catch {
    // The caller gets no answer.
  }
}

/**
 * What the earlier version of the payment service makes of the stored payment. It cannot read a payment that waits for
 * the customer, reads an expired payment as VOIDED and a declined refund as REFUND_EXCEEDS_CAPTURE, asks the gateway
 * again for a capture that was declined, and refunds the rest while another refund is pending.
 */
function asBefore(services: ModelServices, method: Method, execute: () => object): object {
  const { state } = services.payment ?? {};
  const isPaymentStep = method === 'authorize' || method === 'capture' || method === 'void';
  if (isPaymentStep && state === 'ACTION_REQUIRED') throw refusal('INTERNAL');
  if (isPaymentStep && state === 'EXPIRED') {
    if (method === 'capture') throw refusal('ILLEGAL_TRANSITION');
    return { payment: { state: PaymentState.VOIDED } };
  }
  if (method === 'capture') services.captureLate();
  if (method === 'refund' && services.refundBesidePending()) return answerOf(services);
  try {
    return execute();
  } catch (error) {
    throw isAppError(error, 'REFUND_DECLINED') ? refusal('REFUND_EXCEEDS_CAPTURE') : error;
  }
}

const decline = { code: 1, advice: 1 };

const declinedAnswer = { payment: { state: PaymentState.DECLINED, decline } };

/** The Payment and Reservation messages of the current state. Each client reads its message and ignores the other. */
function answerOf(services: ModelServices): object {
  return { ...reservationOf(services), ...paymentOf(services) };
}

function reservationOf({ reservation }: ModelServices): object {
  const [createTime, expireTime] = [new Date(), new Date(Date.now() + 60_000)];
  return reservation ? { reservation: { state: ReservationState[reservation], createTime, expireTime } } : {};
}

function paymentOf({ payment, total }: ModelServices): object {
  if (!payment) return {};
  const amount = (minor: bigint) => toWire({ currency: total.currency, minor });
  const { state, captured, refunded } = payment;
  return {
    payment: {
      state: PaymentState[state],
      authorizedAmount: amount(state === 'AUTHORIZED' ? payment.amount : 0n),
      capturedAmount: amount(captured),
      refundedAmount: amount(refunded),
      decline: state === 'DECLINED' ? decline : undefined,
      captureDecline: payment.captureDeclined ? decline : undefined,
      action: { url: 'https://bank.example/3ds', dueTime: new Date(Date.now() + 60_000) },
    },
  };
}
