import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export const folder = 'deployments/docker';
export const settingsFile = `${folder}/.env`;
const exampleFile = `${folder}/.env.example`;
const certificates = '.certs';
const certified = ['order-service', 'inventory-service', 'payment-service', 'catalog-service', 'test-client'];

/** What HAProxy has room for. */
const maxReplicas = 8;
/** Of PostgreSQL's max_connections, 200, what migrations and people leave. */
const connections = 190;

/** Writes .env, with passwords where .env.example has none; what is there already stays. Whether it wrote. */
export function writeSettings() {
  if (existsSync(settingsFile)) return false;
  const text = readFileSync(exampleFile, 'utf8').replaceAll(
    /^(\w+_PASSWORD)=$/gm,
    (_, name) => `${name}=${randomBytes(24).toString('hex')}`,
  );
  writeFileSync(settingsFile, text, { mode: 0o600, flag: 'wx' });
  return true;
}

/** Values as compose will see them: the environment wins over .env. */
export function readSettings(env) {
  const file = existsSync(settingsFile) ? settingsFile : exampleFile;
  return { TLS: 'off', TIMEOUT_SECONDS: '300', ...parseEnv(readFileSync(file, 'utf8')), ...env };
}

/** Everything that is wrong with them. */
export function settingsProblems(settings) {
  return [...valueProblems(settings), ...grafanaProblems(settings), ...certificateProblems(settings)];
}

function valueProblems({ REPLICAS = '2', DATABASE_POOL_MAX = '10', TLS, TIMEOUT_SECONDS }) {
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
        `PostgreSQL has ${connections} for them: lower one of both in ${settingsFile}`,
    );
  return problems;
}

/** Each service has one more connection for metrics, the order service two more for heartbeats. */
function connectionsOf(replicas, pool) {
  return replicas * (4 * (pool + 1) + 2);
}

function wholeNumber(text) {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

function grafanaProblems({ OBSERVABILITY, OBSERVABILITY_BIND, GRAFANA_ADMIN_PASSWORD = '' }) {
  if (OBSERVABILITY === '0' || isLocal(OBSERVABILITY_BIND) || !['admin', ''].includes(GRAFANA_ADMIN_PASSWORD))
    return [];
  return [
    `OBSERVABILITY_BIND lets other machines reach Grafana: give it another GRAFANA_ADMIN_PASSWORD than admin in ${settingsFile}`,
  ];
}

/** Whether an address is of this machine alone, as the default is. */
export function isLocal(address = '') {
  return /^(127\..*|localhost|\[?::1\]?|)$/.test(address);
}

/** A container runs as a user of its own, so all must be able to read its key; the outer folder keeps others out. */
function certificateProblems({ TLS }) {
  if (TLS !== 'on') return [];
  const keys = certified.map((name) => `${certificates}/${name}/tls.key`);
  const missing = keys.find((key) => !existsSync(key));
  if (missing) return [`${missing} is not there: make dev-certs`];
  const closed = keys.find((key) => (statSync(key).mode & 0o004) === 0);
  if (closed) return [`containers could not read ${closed}: chmod 700 ${certificates}, then make dev-certs`];
  return [];
}
