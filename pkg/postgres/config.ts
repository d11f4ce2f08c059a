import { duration, integer, secretUrl, type Settings, type Values } from '../config/index.js';
import type { DatabaseConfig } from './database.js';

/** Database settings of a service. */
export const databaseSettings = {
  DATABASE_URL: secretUrl({
    protocols: ['postgres:', 'postgresql:'],
    help: "The service's own PostgreSQL database, `postgres://user:password@host:5432/name`",
  }),
  DATABASE_POOL_MAX: integer({
    default: '20',
    min: 1,
    max: 500,
    help: 'Maximum number of connections of one process to its database',
  }),
  DATABASE_CONNECT_TIMEOUT: duration({
    default: '5s',
    min: '100ms',
    max: '60s',
    help: 'Longest wait for the database at start-up, and later for a connection of the pool',
  }),
  DATABASE_STATEMENT_TIMEOUT: duration({
    default: '10s',
    min: '100ms',
    max: '10m',
    help: 'Timeout of one statement',
  }),
} satisfies Settings;

export function databaseConfig(values: Values<typeof databaseSettings>): DatabaseConfig {
  return {
    url: values.DATABASE_URL,
    poolMax: values.DATABASE_POOL_MAX,
    connectTimeoutMs: values.DATABASE_CONNECT_TIMEOUT,
    statementTimeoutMs: values.DATABASE_STATEMENT_TIMEOUT,
  };
}
