import { every } from '../runtime/wait.js';
import type { DatabaseLogger, Queryable } from './database.js';
import { purgeKeys } from './idempotency.js';

/** Request ids are promised for 24 hours; they are kept for twice that. */
const keptHours = 48;
const intervalMs = 600_000;
const batch = 10_000;

/** Forgets old request ids now and then, until closed. Several replicas may do so at once. */
export function startKeyPurge(db: Queryable, logger: DatabaseLogger): { close(): Promise<void> } {
  return every(
    intervalMs,
    async (signal) => {
      let purged: number;
      do {
        purged = await purgeKeys(db, keptHours, batch);
      } while (purged === batch && !signal.aborted);
    },
    (err) => logger.warn({ err }, 'old request ids could not be purged'),
  );
}
