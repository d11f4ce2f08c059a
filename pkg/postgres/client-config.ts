import pg from 'pg';
import type { DatabaseConfig } from './database.js';

/** A transaction that waits this long for our own code holds its locks for nothing. */
const idleInTransactionMs = 10_000;

const silenceMs = 2000;

/** The driver has no name for it. */
const int8ArrayOid = 1016;

/** Per connection, so that this package changes nothing for other users of the driver. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, BigInt);
types.setTypeParser(int8ArrayOid, parseBigintArray);

function parseBigintArray(text: string): (bigint | null)[] {
  const items = text.slice(1, -1);
  if (items === '') return [];
  return items.split(',').map((item) => (item === 'NULL' ? null : BigInt(item)));
}

/** How every connection of this package is made. */
export function clientConfig(config: DatabaseConfig): pg.ClientConfig {
  return {
    connectionString: config.url,
    application_name: config.applicationName ?? 'order-processing',
    connectionTimeoutMillis: config.connectTimeoutMs,
    statement_timeout: config.statementTimeoutMs,
    // For a server that is gone without a word; later than its own limit, which gives a better answer.
    query_timeout: config.statementTimeoutMs + silenceMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    ...(config.settings && { options: optionsOf(config.settings) }),
    keepAlive: true,
    types,
  };
}

/** As the server takes them when a session starts. */
function optionsOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}
