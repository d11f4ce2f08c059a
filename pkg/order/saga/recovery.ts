import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Logger } from '../../observability/index.js';
import type { Database, DatabaseSession } from '../../postgres/index.js';
import type { OrderEvents } from '../events.js';
import { Claims } from './claims.js';
import { Heartbeats } from './heartbeats.js';
import { releaseInstanceOrders } from './instance-store.js';
import type { SagaRunner } from './runner.js';

export interface RecoveryConfig {
  /** Time between two heartbeats, and between two claims of orders without a live driver. */
  readonly heartbeatMs: number;
  /** Maximum age of the last heartbeat of a live instance that does not hold its liveness lock. */
  readonly heartbeatTimeoutMs: number;
}

export interface RecoveryDeps {
  /** A database with a separate pool for claims. */
  readonly db: Database;
  /** Opens the connection of the heartbeats. */
  readonly openSession: (onOpen: () => void) => DatabaseSession;
  readonly instance: string;
  readonly runner: SagaRunner;
  readonly logger: Logger;
  readonly events: OrderEvents;
  readonly config: RecoveryConfig;
}

/** Maximum age of the last heartbeat of a live instance that holds its liveness lock. */
const maxSilenceMs = 10_000;

export interface Recovery {
  /** Stops the claims and heartbeats, and releases the orders that this instance still drives. */
  close(): Promise<void>;
}

/** Starts the heartbeats of this instance, then the claims of orders without a live driver. */
export async function startRecovery(deps: RecoveryDeps): Promise<Recovery> {
  const { db, openSession, instance, logger, config } = deps;
  const { heartbeatMs: intervalMs, heartbeatTimeoutMs } = config;
  const now = () => performance.now();
  const heartbeats = new Heartbeats({
    openSession,
    instance,
    logger,
    intervalMs,
    timeoutMs: heartbeatTimeoutMs,
    now,
  });
  await context.with(ROOT_CONTEXT, () => heartbeats.start());
  const silenceMs = Math.max(maxSilenceMs, heartbeatTimeoutMs);
  const liveness = { instance, heartbeatTimeoutMs, silenceMs };
  const claims = new Claims({ ...deps, liveness, heartbeats, intervalMs, now });
  return {
    close: async () => {
      await claims.close();
      await heartbeats.close();
      await releaseInstanceOrders(db, instance);
    },
  };
}
