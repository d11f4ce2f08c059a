import type { Telemetry } from '../../pkg/observability/index.js';
import {
  OperatorService,
  RefundService,
  startRefundResolver,
  type OrderConfig,
  type OrderEvents,
  type OrderPorts,
} from '../../pkg/order/index.js';
import type { Database } from '../../pkg/postgres/index.js';
import { systemClock, uuidv7, type Scope } from '../../pkg/runtime/index.js';

export interface OperatorsDeps {
  readonly db: Database;
  /** Pool for the claims of pending refunds, so that claims do not wait for other statements. */
  readonly claims: Database;
  readonly config: Pick<OrderConfig, 'saga'>;
  readonly ports: Pick<OrderPorts, 'refunds' | 'resolutions'>;
  readonly logger: Telemetry['logger'];
  readonly events: OrderEvents;
  readonly onProgress: (orderId: string) => void;
}

/** Starts the actions of operators, and the resolver of pending refunds. */
export function startOperators(
  { db, claims, config, ports, logger, events, onProgress }: OperatorsDeps,
  scope: Scope,
): OperatorService {
  const shared = { db, clock: systemClock, newId: uuidv7, events, onProgress };
  const attemptTimeoutMs = config.saga.stepTimeoutMs;
  const refunds = new RefundService({ ...shared, refunds: ports.refunds, attemptTimeoutMs });
  scope.use(startRefundResolver({ claims, refunds, logger }));
  return new OperatorService({ ...shared, refunds, resolutions: ports.resolutions });
}
