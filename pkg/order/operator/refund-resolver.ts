import type { Logger } from '../../observability/index.js';
import type { Database } from '../../postgres/index.js';
import { everyLogged, FailureLogger } from '../../runtime/index.js';
import { refundClaimLimit, type RefundService } from './refund-service.js';

export interface RefundResolverDeps {
  /** A database for claims, with a pool that is separate from the pool of calls. */
  readonly claims: Database;
  readonly refunds: RefundService;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

const intervalMs = 500;

/** Finishes pending refunds of orders until `close`. Replicas share the work. */
export function startRefundResolver({ claims, refunds, logger }: RefundResolverDeps): {
  close(): Promise<void>;
} {
  const failures = new FailureLogger(logger, {
    failed: 'refunds of orders still pending',
    recovered: 'pending refunds of orders finished',
  });
  const round = async (signal: AbortSignal): Promise<void> => {
    let claimed: number;
    do {
      claimed = await refunds.finishDue(claims, signal);
    } while (claimed === refundClaimLimit && !signal.aborted);
  };
  return everyLogged(intervalMs, round, failures);
}
