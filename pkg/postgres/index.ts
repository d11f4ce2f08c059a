export {
  sql,
  type Database,
  type DatabaseConfig,
  type DatabaseLogger,
  type PoolStats,
  type Queryable,
  type Statement,
  type Transaction,
} from './database.js';
export { countLastsMs, DatabaseGauges, type GaugeGroup, type Sample } from './database-gauges.js';
export { isUniqueViolation, translateError } from './errors.js';
export { fingerprint, once, purgeKeys, type KeyedRequest } from './idempotency.js';
export { startKeyPurge } from './key-purge.js';
export type { JsonValue } from './json.js';
export {
  assertMigrated,
  createDatabaseIfMissing,
  migrate,
  pendingMigrations,
  type MigrationSet,
} from './migrate.js';
export { poolMetrics } from './metrics.js';
export { openDatabase } from './open-database.js';
export { dumpSchema } from './schema.js';
