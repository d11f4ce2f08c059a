import { randomBytes } from 'node:crypto';
import { DeployError, type Kubectl } from './kubectl.js';

interface Secret {
  readonly data?: Readonly<Record<string, string>>;
}

const domains = ['order', 'inventory', 'payment', 'catalog'] as const;

/** Returns a random password in hexadecimal digits, because DATABASE_URL contains the password unescaped. */
const password = (): string => randomBytes(24).toString('hex');

/**
 * Creates the missing Secrets of a development cluster with random passwords. Existing Secrets do not change, because the
 * roles in the database have the passwords of these Secrets. Returns the names of the Secrets that were missing at the start.
 */
export function createSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): string[] {
  const missing = missingSecrets(kubectl, namespace, names);
  if (missing.length === 0) return [];
  const passwords = databasePasswords(kubectl, namespace);
  for (const name of missing) apply(kubectl, namespace, { name, stringData: contentOf(name, passwords) });
  return missing;
}

/** @throws DeployError that names every missing Secret */
export function assertSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): void {
  const missing = missingSecrets(kubectl, namespace, names);
  if (missing.length === 0) return;
  throw new DeployError(
    `the namespace ${namespace} has no Secret ${missing.join(', ')}: create them, or let the External Secrets ` +
      'Operator create them (docs/installation.md lists their content)',
  );
}

function missingSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): string[] {
  return names.filter((name) => kubectl.get('secret', name, namespace) === undefined);
}

/** Returns the passwords in the Secret `postgres`, and a new password for each key that the Secret does not have. */
function databasePasswords(kubectl: Kubectl, namespace: string): Record<string, string> {
  const found = kubectl.get('secret', 'postgres', namespace) as Secret | undefined;
  const { data = {} } = found ?? {};
  const known = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  const keys = ['POSTGRES_PASSWORD', ...domains.map(passwordKey)];
  return {
    ...Object.fromEntries(keys.map((key) => [key, password()])),
    ...Object.fromEntries(known),
  } as Record<string, string>;
}

function passwordKey(domain: string): string {
  return `${domain.toUpperCase()}_DATABASE_PASSWORD`;
}

function contentOf(name: string, passwords: Record<string, string>): Record<string, string> {
  if (name === 'postgres') return passwords;
  if (name === 'grafana') return { GF_SECURITY_ADMIN_USER: 'admin', GF_SECURITY_ADMIN_PASSWORD: password() };
  const domain = domains.find((one) => name === `${one}-service-database`);
  if (domain === undefined) throw new DeployError(`the content of the Secret ${name} is unknown: create it`);
  const role = `${domain}_service`;
  return { DATABASE_URL: `postgres://${role}:${passwords[passwordKey(domain)]}@postgres:5432/${role}` };
}

function apply(
  kubectl: Kubectl,
  namespace: string,
  { name, stringData }: { readonly name: string; readonly stringData: Record<string, string> },
): void {
  const metadata = { name, namespace, labels: { 'app.kubernetes.io/part-of': 'order-processing' } };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData };
  // `create`, unlike `apply`, does not overwrite a Secret that a concurrent run has created.
  const { code, stderr } = kubectl.try(['create', '-f', '-'], JSON.stringify(secret));
  if (code !== 0 && !stderr.includes('AlreadyExists')) throw new DeployError(stderr.trim());
}
