import { Counter, Gauge, type Registry } from 'prom-client';
import { tracedHistogram } from '../observability/index.js';
import { countLastsMs, type DatabaseGauges } from '../postgres/index.js';
import { orderStates, type Order } from './domain.js';
import { countByState, readUnfinished } from './overview-store.js';
import { attemptOutcomes, type StepAttempt } from './ports.js';
import { remoteSteps } from './saga-plan.js';

export interface OrderMetrics {
  countChange(order: Order): void;
  countRecovery(): void;
  countAttempt(attempt: StepAttempt): void;
}

/** Business metrics of orders that count what this process does. Names and labels are API. */
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
    help: 'Orders that this process took over because nobody drove them any more.',
    registers,
  });
  // A series that starts at zero shows its first increase.
  for (const status of ['success', 'failed']) created.inc({ status }, 0);
  return {
    countChange: ({ state }) => {
      if (state === 'CONFIRMED') created.inc({ status: 'success' });
      if (state === 'REJECTED') created.inc({ status: 'failed' });
    },
    countRecovery: () => recovered.inc(),
    countAttempt: stepMetrics(registry),
  };
}

function stepMetrics(registry: Registry): OrderMetrics['countAttempt'] {
  const duration = tracedHistogram(registry, {
    name: 'saga_step_duration_seconds',
    help: 'Time of one attempt of a saga step: succeeded, refused for good, or in doubt.',
    labelNames: ['step', 'outcome'],
  });
  const retries = new Counter({
    name: 'saga_step_retries_total',
    help: 'Attempts of saga steps after one that settled nothing.',
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

/** Sagas under way in this process, and how many may be. */
export function sagaGauges(
  registry: Registry,
  sagas: { readonly running: number; readonly limit: number },
): void {
  const registers = [registry];
  const active: Gauge = new Gauge({
    name: 'sagas_active',
    help: 'Sagas under way in this process.',
    registers,
    collect: () => active.set(sagas.running),
  });
  const limit = new Gauge({
    name: 'sagas_limit',
    help: 'Sagas under way at which new orders are refused (ORDER_MAX_IN_FLIGHT).',
    registers,
  });
  limit.set(sagas.limit);
}

/** Where the orders stand, whoever drives them. */
export function orderGauges(gauges: DatabaseGauges): void {
  gauges.show({
    // From the index orders_by_state alone: 60 ms and 17 MB of it for 200,000 orders. Past some millions it
    // does not fit into the time of a reading, and this gauge is no longer shown.
    lastsMs: countLastsMs,
    gauges: { orders_by_state: { help: 'Orders by state, from the database.', labelNames: ['state'] } },
    read: async (db) => {
      const counts = new Map((await countByState(db)).map(({ state, orders }) => [state, orders]));
      return {
        orders_by_state: orderStates.map((state) => ({ labels: { state }, value: counts.get(state) ?? 0 })),
      };
    },
  });
  gauges.show({
    gauges: {
      orders_oldest_unfinished_age_seconds: {
        help: 'Time since the oldest unfinished order, or its cancellation, was accepted; 0 without one.',
      },
      orders_in_doubt: {
        help: 'Unfinished orders whose current step has failed at least once, by step.',
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
}
