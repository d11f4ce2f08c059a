import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { inBackgroundSpan, type Logger } from '../observability/index.js';
import type { Database } from '../postgres/index.js';
import { everyLogged, Outage } from '../runtime/index.js';
import type { SagaOrder } from './domain.js';
import type { OrderEvents } from './ports.js';
import { beat, claimStalledOrders, forgetInstances, resignInstance } from './saga-store.js';
import type { SagaRunner } from './saga-runner.js';
import { spanContextOf } from './trace-id.js';

export interface RecoveryConfig {
  /** Time between two heartbeats, and between two looks for stalled orders, milliseconds. */
  readonly heartbeatMs: number;
  /** Silence after which another instance counts as dead, milliseconds. */
  readonly silenceMs: number;
}

export interface RecoveryDeps {
  /** A pool of its own: heartbeats must not queue behind the work. */
  readonly db: Database;
  readonly instance: string;
  readonly runner: SagaRunner;
  readonly logger: Logger;
  readonly events: OrderEvents;
  readonly config: RecoveryConfig;
}

/** Orders claimed in one look. */
const batch = 64;
/** Age after which an own order that nobody is at work on is picked up, milliseconds. */
const orphanMs = 2000;

export interface Recovery {
  /** Stops, and hands over what this instance still drives. */
  close(): Promise<void>;
}

/**
 * Keeps this instance alive in the eyes of the others, and carries on what silent ones left behind. The
 * first heartbeat is stored before this returns: an instance that drives orders is always known.
 */
export async function startRecovery(deps: RecoveryDeps): Promise<Recovery> {
  const { db, instance, logger, config } = deps;
  await beat(db, instance);
  await forgetInstances(db);
  const outage = new Outage(logger, { fails: 'heartbeat failed', works: 'heartbeat works again' });
  const round = async (): Promise<void> => {
    await beat(db, instance);
    await claimOnce(deps);
  };
  const loop = context.with(ROOT_CONTEXT, () => everyLogged(config.heartbeatMs, round, outage));
  return {
    close: async () => {
      await loop.close();
      await resignInstance(db, instance);
    },
  };
}

async function claimOnce(deps: RecoveryDeps): Promise<void> {
  const { db, instance, runner, config } = deps;
  const limit = Math.min(batch, runner.capacity);
  if (limit === 0) return;
  const { active } = runner;
  const claimed = await claimStalledOrders(db, {
    instance,
    active,
    silenceMs: config.silenceMs,
    orphanMs,
    limit,
  });
  // A failure is logged by the runner, and the order claimed again.
  for (const order of claimed) recover(order, deps).catch(() => undefined);
}

/** Carries an order on in a trace of its own: the one that accepted it may have ended long ago. */
function recover(order: SagaOrder, { runner, events }: RecoveryDeps): Promise<void> {
  const { id, step, state, traceparent } = order;
  const attributes = { 'order.id': id, 'order.step': step, 'order.state': state };
  const link = spanContextOf(traceparent);
  return inBackgroundSpan({ name: 'order.recover', attributes, link }, async (span) => {
    events.recovered(order);
    const carried = await runner.start(order);
    span.setAttribute('order.state', carried.state);
  });
}
