import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export const folder = 'deployments/docker';
export const settingsFile = `${folder}/.env`;
const exampleFile = `${folder}/.env.example`;
const certificates = '.certs';
const certified = ['order-service', 'inventory-service', 'payment-service', 'catalog-service', 'test-client'];

/** Number of servers of each backend in haproxy.cfg. */
const maxReplicas = 8;
/** Connections for services: 300 (max_connections of PostgreSQL) minus 10 for migrations and administrators. */
const connections = 290;

/** Writes .env from .env.example with random passwords, unless .env exists. Returns whether .env was written. */
export function writeSettings() {
  if (existsSync(settingsFile)) return false;
  const text = readFileSync(exampleFile, 'utf8').replaceAll(
    /^(\w+_PASSWORD)=$/gm,
    (_, name) => `${name}=${randomBytes(24).toString('hex')}`,
  );
  writeFileSync(settingsFile, text, { mode: 0o600, flag: 'wx' });
  return true;
}

/** Returns the values as compose reads them: the environment overrides .env. */
export function readSettings(env) {
  const file = existsSync(settingsFile) ? settingsFile : exampleFile;
  return { TLS: 'off', TIMEOUT_SECONDS: '300', ...parseEnv(readFileSync(file, 'utf8')), ...env };
}

/** Returns all problems of the settings. */
export function settingsProblems(settings) {
  return [...valueProblems(settings), ...grafanaProblems(settings), ...certificateProblems(settings)];
}

function valueProblems({ REPLICAS = '2', DATABASE_POOL_MAX = '6', TLS, TIMEOUT_SECONDS }) {
  const replicas = wholeNumber(REPLICAS);
  const pool = wholeNumber(DATABASE_POOL_MAX);
  const problems = [];
  if (!['on', 'off', ''].includes(TLS)) problems.push(`TLS must be on or off, not ${TLS}`);
  if (!wholeNumber(TIMEOUT_SECONDS)) problems.push('TIMEOUT_SECONDS must be a number of seconds');
  if (!replicas || replicas > maxReplicas) problems.push(`REPLICAS must be 1 to ${maxReplicas}`);
  else if (!pool) problems.push('DATABASE_POOL_MAX must be a number of connections');
  else if (connectionsOf(replicas, pool) > connections)
    problems.push(
      `${REPLICAS} REPLICAS with a DATABASE_POOL_MAX of ${DATABASE_POOL_MAX} would open ${connectionsOf(replicas, pool)} connections, ` +
        `but PostgreSQL has only ${connections} for them: lower one of these settings in ${settingsFile}`,
    );
  return problems;
}

/**
 * Each replica opens its pool, a connection for metrics and one for health checks. A replica of the order service opens
 * three more for heartbeats and recovery.
 */
function connectionsOf(replicas, pool) {
  return replicas * (4 * (pool + 2) + 3);
}

function wholeNumber(text) {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

function grafanaProblems({ OBSERVABILITY, OBSERVABILITY_BIND, GRAFANA_ADMIN_PASSWORD = '' }) {
  if (OBSERVABILITY === '0' || isLocal(OBSERVABILITY_BIND) || !['admin', ''].includes(GRAFANA_ADMIN_PASSWORD))
    return [];
  return [
    `OBSERVABILITY_BIND lets other machines reach Grafana: set a GRAFANA_ADMIN_PASSWORD other than admin in ${settingsFile}`,
  ];
}

/** Returns whether only this machine reaches the address. An empty address means the default, 127.0.0.1. */
export function isLocal(address = '') {
  return /^(127\..*|localhost|\[?::1\]?|)$/.test(address);
}

/** Containers run as another user, so every user must be able to read the keys. The mode of .certs protects the keys. */
function certificateProblems({ TLS }) {
  if (TLS !== 'on') return [];
  const keys = certified.map((name) => `${certificates}/${name}/tls.key`);
  const missing = keys.find((key) => !existsSync(key));
  if (missing) return [`${missing} is missing: make dev-certs`];
  const closed = keys.find((key) => (statSync(key).mode & 0o004) === 0);
  if (closed) return [`containers cannot read ${closed}: chmod 700 ${certificates}, then make dev-certs`];
  return [];
}
