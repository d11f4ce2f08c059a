export {
  Batcher,
  contended,
  done,
  doneUnlessContended,
  failed,
  type BatchContext,
  type BatchLane,
  type BatcherOptions,
  type ExecuteBatch,
  type ItemOutcome,
} from './batcher.js';
export { databaseConfig, databaseSettings } from './config.js';
export type {
  Database,
  DatabaseConfig,
  DatabaseLogger,
  PoolStats,
  Queryable,
  Transaction,
  TransactionalQueryable,
} from './database.js';
export type { WaitLimits } from '../runtime/index.js';
export { countTtlMs, DatabaseGauges, type GaugeGroup, type Sample } from './database-gauges.js';
export { isUniqueViolation, translateError } from './errors.js';
export { fingerprint, isSameRequest } from './fingerprint.js';
export {
  purgeKeys,
  startKeyPurge,
  withIdempotencyKey,
  type JsonValue,
  type KeyedRequest,
} from './idempotency.js';
export {
  assertMigrated,
  createDatabaseIfMissing,
  migrate,
  pendingMigrations,
  type MigrationSet,
} from './migrations/migrate.js';
export { poolMetrics } from './connection/pool-metrics.js';
export { openDatabase } from './connection/pooled-database.js';
export { readBatcher, type ReadBatcherOptions } from './read-batcher.js';
export { dumpSchema } from './migrations/schema.js';
export { DatabaseSession } from './connection/database-session.js';
export { sql, withCustomPlan, type BoundStatement, type Statement } from './statement.js';
