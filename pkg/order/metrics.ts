import { Counter, Gauge, type Registry } from 'prom-client';
import { tracedHistogram } from '../observability/index.js';
import { countTtlMs, type DatabaseGauges } from '../postgres/index.js';
import { orderStates, type Order } from './domain.js';
import {
  countBlocked,
  countByState,
  readParked,
  readPendingRefunds,
  readUnfinished,
} from './metrics-queries.js';
import {
  attemptOutcomes,
  isCompensation,
  remoteSteps,
  type DriveOrigin,
  type StepAttempt,
} from './saga/plan.js';

const claimRoundOutcomes = ['completed', 'skipped'] as const;
export type ClaimRoundOutcome = (typeof claimRoundOutcomes)[number];

export interface OrderMetrics {
  countChange(order: Order): void;
  countRecovery(): void;
  countSetAside(): void;
  countClaimRound(outcome: ClaimRoundOutcome): void;
  countAttempt(attempt: StepAttempt): void;
}

/** Business metrics of this process. Metric names and labels are part of the API. */
export function orderMetrics(registry: Registry): OrderMetrics {
  const registers = [registry];
  const created = new Counter({
    name: 'orders_created_total',
    help: 'Orders whose saga ended: confirmed (success) or rejected (failed).',
    labelNames: ['status'],
    registers,
  });
  const recovered = new Counter({
    name: 'sagas_recovered_total',
    help: 'Orders without a live driver that this process claimed.',
    registers,
  });
  // rate() misses the first increase of a series that does not start at zero.
  for (const status of ['success', 'failed']) created.inc({ status }, 0);
  return {
    countChange: ({ state }) => {
      if (state === 'CONFIRMED') created.inc({ status: 'success' });
      if (state === 'REJECTED') created.inc({ status: 'failed' });
    },
    countRecovery: () => recovered.inc(),
    ...claimMetrics(registry),
    countAttempt: stepMetrics(registry),
  };
}

function claimMetrics(registry: Registry): Pick<OrderMetrics, 'countSetAside' | 'countClaimRound'> {
  const registers = [registry];
  const aside = new Counter({
    name: 'orders_set_aside_total',
    help: 'Claimed orders that this process could not read or drive, and left for a later attempt.',
    registers,
  });
  const rounds = new Counter({
    name: 'claim_rounds_total',
    help: 'Searches of this process for orders without a live driver: completed, or skipped because its own heartbeat was late.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of claimRoundOutcomes) rounds.inc({ outcome }, 0);
  return { countSetAside: () => aside.inc(), countClaimRound: (outcome) => rounds.inc({ outcome }) };
}

function stepMetrics(registry: Registry): OrderMetrics['countAttempt'] {
  const duration = tracedHistogram(registry, {
    name: 'saga_step_duration_seconds',
    help: 'Duration of one attempt of a saga step: succeeded, refused, waiting for the customer, or in doubt.',
    labelNames: ['step', 'outcome'],
  });
  const retries = new Counter({
    name: 'saga_step_retries_total',
    help: 'Attempts of saga steps after an attempt in doubt.',
    labelNames: ['step'],
    registers: [registry],
  });
  for (const step of remoteSteps) {
    retries.inc({ step }, 0);
    for (const outcome of attemptOutcomes) duration.zero({ step, outcome });
  }
  return ({ step, outcome, attempt, seconds }) => {
    duration.observe({ step, outcome }, seconds);
    if (attempt > 1) retries.inc({ step });
  };
}

/** Exports the number of running sagas in this process, and their limits. */
export function sagaGauges(
  registry: Registry,
  sagas: { running(origin: DriveOrigin): number; limit(origin: DriveOrigin): number },
): void {
  const gauge = (name: string, help: string, value: () => number): void => {
    const collected: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => collected.set(value()),
    });
  };
  gauge('sagas_active', 'Running sagas of new orders in this process.', () => sagas.running('ACCEPTED'));
  gauge(
    'sagas_limit',
    'Maximum number of running sagas of new orders; at this limit, new orders are rejected (ORDER_MAX_IN_FLIGHT).',
    () => sagas.limit('ACCEPTED'),
  );
  gauge('recovery_sagas_active', 'Running sagas of claimed and cancelled orders in this process.', () =>
    sagas.running('STORAGE'),
  );
  gauge(
    'recovery_sagas_limit',
    'Maximum number of running sagas of claimed and cancelled orders; at this limit, these orders wait.',
    () => sagas.limit('STORAGE'),
  );
}

/** Gauges of all orders in the database. Every replica exports the same values. */
export function orderGauges(gauges: DatabaseGauges): void {
  gauges.register({
    // The query is an index-only scan of orders_by_state: 60 ms and 17 MB for 200,000 orders. With several million
    // orders, the query exceeds its time limit and the gauge is no longer exported.
    ttlMs: countTtlMs,
    gauges: { orders_by_state: { help: 'Orders by state, from the database.', labelNames: ['state'] } },
    read: async (db) => {
      const counts = new Map((await countByState(db)).map(({ state, orders }) => [state, orders]));
      return {
        orders_by_state: orderStates.map((state) => ({ labels: { state }, value: counts.get(state) ?? 0 })),
      };
    },
  });
  gauges.register({
    gauges: {
      orders_oldest_unfinished_age_seconds: {
        help: 'Time since the oldest unfinished order, or its cancellation, was accepted; 0 without unfinished orders. Orders that are blocked or wait for their customer do not count.',
      },
      orders_in_doubt: {
        help: 'Unfinished orders with at least one attempt of the current step in doubt, by step.',
        labelNames: ['step'],
      },
    },
    read: async (db) => {
      const unfinished = await readUnfinished(db);
      const inDoubt = new Map(unfinished.map((orders) => [orders.step, orders.inDoubt]));
      const oldest = Math.max(0, ...unfinished.map(({ oldestSeconds }) => oldestSeconds));
      return {
        orders_oldest_unfinished_age_seconds: [{ value: oldest }],
        orders_in_doubt: remoteSteps.map((step) => ({ labels: { step }, value: inDoubt.get(step) ?? 0 })),
      };
    },
  });
  suspendedGauges(gauges);
  refundGauges(gauges);
}

/** Gauges of refunds by operators. Refunds of cancelled orders are steps of their sagas. */
function refundGauges(gauges: DatabaseGauges): void {
  gauges.register({
    gauges: {
      order_refunds_pending: {
        help: 'Partial refunds of orders (RefundOrder) without a definite answer of the payment service, from the database.',
      },
      order_refunds_oldest_pending_age_seconds: {
        help: 'Age of the oldest partial refund without a definite answer; 0 if there is none.',
      },
    },
    read: async (db) => {
      const { refunds, oldestSeconds } = await readPendingRefunds(db);
      return {
        order_refunds_pending: [{ value: refunds }],
        order_refunds_oldest_pending_age_seconds: [{ value: oldestSeconds }],
      };
    },
  });
}

/** Gauges of orders that no replica drives. */
function suspendedGauges(gauges: DatabaseGauges): void {
  gauges.register({
    gauges: {
      orders_parked: { help: 'Orders that wait for the time of their next attempt, from the database.' },
      orders_parked_overdue_seconds: {
        help: 'Time since the next attempt of a parked order was due, for the longest due order; 0 when none is due.',
      },
      orders_parked_set_aside: {
        help: 'Parked orders that no replica could read or drive so far, from the database. An operator must act.',
      },
    },
    read: async (db) => {
      const { orders, overdue, setAside } = await readParked(db);
      return {
        orders_parked: [{ value: orders }],
        orders_parked_overdue_seconds: [{ value: overdue }],
        orders_parked_set_aside: [{ value: setAside }],
      };
    },
  });
  gauges.register({
    gauges: {
      orders_blocked: {
        help: 'Orders whose compensation another service refused for good, by step. An operator must act.',
        labelNames: ['step'],
      },
    },
    read: async (db) => {
      const counts = new Map((await countBlocked(db)).map(({ step, orders }) => [step, orders]));
      return {
        orders_blocked: remoteSteps
          .filter(isCompensation)
          .map((step) => ({ labels: { step }, value: counts.get(step) ?? 0 })),
      };
    },
  });
}
