import { everyLogged, Outage, type OutageLogger } from '../runtime/outage.js';
import type { Queryable } from './database.js';
import { purgeKeys } from './idempotency.js';

/** Request ids are promised for 24 hours; they are kept for twice that. */
const keptHours = 48;
const intervalMs = 600_000;
const batch = 10_000;

/** Forgets old request ids now and then, until closed. Several replicas may do so at once. */
export function startKeyPurge(db: Queryable, logger: OutageLogger): { close(): Promise<void> } {
  const outage = new Outage(logger, {
    fails: 'old request ids could not be purged',
    works: 'old request ids are purged again',
  });
  return everyLogged(
    intervalMs,
    async (signal) => {
      let purged: number;
      do {
        purged = await purgeKeys(db, keptHours, batch);
      } while (purged === batch && !signal.aborted);
    },
    outage,
  );
}
