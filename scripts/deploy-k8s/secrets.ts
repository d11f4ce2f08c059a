import { randomBytes } from 'node:crypto';
import { DeployError, type Kubectl } from './kubectl.js';

interface Secret {
  readonly data?: Readonly<Record<string, string>>;
}

const domains = ['order', 'inventory', 'payment', 'catalog'] as const;

/** Hex, so that it needs no escape in a URL. */
const password = (): string => randomBytes(24).toString('hex');

/**
 * Makes the Secrets that a cluster for development lacks, with passwords that nobody has seen.
 * What is there stays: the database keeps the passwords it was made with.
 */
export function makeSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): string[] {
  const missing = missingSecrets(kubectl, namespace, names);
  if (missing.length === 0) return [];
  const passwords = databasePasswords(kubectl, namespace);
  for (const name of missing) apply(kubectl, namespace, { name, stringData: contentOf(name, passwords) });
  return missing;
}

/** @throws DeployError that names every Secret that is not there */
export function assertSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): void {
  const missing = missingSecrets(kubectl, namespace, names);
  if (missing.length === 0) return;
  throw new DeployError(
    `the namespace ${namespace} has no Secret ${missing.join(', ')}: make them, or let the External Secrets ` +
      'Operator make them (docs/installation.md says what is in each)',
  );
}

function missingSecrets(kubectl: Kubectl, namespace: string, names: readonly string[]): string[] {
  return names.filter((name) => kubectl.get('secret', name, namespace) === undefined);
}

/** Those that the database was made with, if it was. */
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
  if (domain === undefined) throw new DeployError(`what is in the Secret ${name}? Make it yourself`);
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
  // Created, not applied: another run may have been faster, and its passwords count.
  const { code, stderr } = kubectl.try(['create', '-f', '-'], JSON.stringify(secret));
  if (code !== 0 && !stderr.includes('AlreadyExists')) throw new DeployError(stderr.trim());
}
