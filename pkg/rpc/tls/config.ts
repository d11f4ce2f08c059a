import { ConfigError, text, type Setting, type Settings, type Values } from '../../config/index.js';
import { protoMethods } from '../server/reflection.js';

/** Paths of the PEM files of a process. */
export interface TlsFiles {
  /** Certificate of the process, followed by its intermediate certificates. */
  readonly cert: string;
  readonly key: string;
  /** CA certificates that sign the certificates of accepted peers. */
  readonly ca: string;
}

/**
 * Allowed methods by client. The key is a name in the certificate of the client; a method is `*`, `package.Service/*`
 * or `package.Service/Method`.
 */
export type AllowedClients = ReadonlyMap<string, ReadonlySet<string>>;

/** TLS settings of every process. Without values, connections are not encrypted. */
export const tlsFileSettings = {
  TLS_CERT_FILE: text({
    default: '',
    help: 'Certificate of this process, PEM; mutual TLS requires it together with TLS_KEY_FILE and TLS_CA_FILE',
  }),
  TLS_KEY_FILE: text({ default: '', help: 'Private key of TLS_CERT_FILE, PEM' }),
  TLS_CA_FILE: text({
    default: '',
    help: 'CA certificates that sign the certificates of accepted peers, PEM',
  }),
} satisfies Settings;

const allowedClients: Setting<AllowedClients> = {
  ...text({
    default: '',
    help: 'Methods that each client may call with mutual TLS, `client=method,method;client=method`, see security.md',
  }),
  parse: parseAllowedClients,
};

export const tlsServerSettings = {
  ...tlsFileSettings,
  TLS_ALLOWED_CLIENTS: allowedClients,
} satisfies Settings;

/**
 * @returns the TLS files; undefined without mutual TLS
 * @throws ConfigError with the missing settings when only some of the files are set
 */
export function tlsFiles(values: Values<typeof tlsFileSettings>): TlsFiles | undefined {
  const names = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const;
  const missing = names.filter((name) => values[name] === '');
  if (missing.length === names.length) return undefined;
  if (missing.length > 0)
    throw new ConfigError(missing.map((name) => `${name} is required when another TLS file is set`));
  return { cert: values.TLS_CERT_FILE, key: values.TLS_KEY_FILE, ca: values.TLS_CA_FILE };
}

/** @throws ConfigError for TLS files without allowed clients, or allowed clients without TLS files */
export function tlsServerConfig(values: Values<typeof tlsServerSettings>): {
  readonly tls: TlsFiles | undefined;
  readonly allowedClients: AllowedClients;
} {
  const tls = tlsFiles(values);
  const allowed = values.TLS_ALLOWED_CLIENTS;
  if (tls && allowed.size === 0) throw new ConfigError(['TLS_ALLOWED_CLIENTS is required with mutual TLS']);
  if (!tls && allowed.size > 0)
    throw new ConfigError(['TLS_ALLOWED_CLIENTS is set without TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE']);
  return { tls, allowedClients: allowed };
}

/**
 * Parses entries `client=method,method` that are separated by `;` or newlines. A client is a DNS name or a URI of a
 * certificate; a method is `*`, `package.Service/*` or `package.Service/Method`.
 * @param known valid methods; default: the methods in `api/proto`
 * @throws Error whose message names all problems and continues after the name of the setting
 */
export function parseAllowedClients(list: string, known?: ReadonlySet<string>): AllowedClients {
  const entries = list.split(/[;\n]/).map((entry) => entry.trim());
  const clients = entries.filter((entry) => entry !== '').map(readEntry);
  const methods = clients.length === 0 ? new Set<string>() : (known ?? protoMethods());
  const problems = [
    ...clients.flatMap((entry) => problemsOf(entry, methods)),
    ...repeated(clients.map(({ client }) => client)).map((client) => `'${client}' is listed twice`),
  ];
  if (problems.length > 0) throw new Error(`must be client=method,method;client=…: ${problems.join(', ')}`);
  return new Map(clients.map(({ client, patterns }) => [client, new Set(patterns)]));
}

interface Entry {
  readonly client: string;
  readonly patterns: readonly string[];
}

function readEntry(entry: string): Entry {
  const [client = '', ...rest] = entry.split('=');
  const patterns = rest.join('=').split(',');
  return { client: normalizeName(client.trim()), patterns: patterns.map((pattern) => pattern.trim()) };
}

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const dnsName = new RegExp(`^${label}(?:\\.${label})*$`, 'i');
const uri = /^[a-z][a-z0-9+.-]*:\/\/[^\s=;,*]+$/i;

/** DNS names are case-insensitive (RFC 4343); URIs are case-sensitive. */
function normalizeName(name: string): string {
  return dnsName.test(name) ? name.toLowerCase() : name;
}

function problemsOf({ client, patterns }: Entry, known: ReadonlySet<string>): string[] {
  const isName = dnsName.test(client) || uri.test(client);
  return [
    ...(isName ? [] : [`'${client}' is neither a DNS name nor a URI`]),
    ...patterns
      .filter((pattern) => !isKnown(pattern, known))
      .map((pattern) => unknownMethod(pattern, client)),
  ];
}

function isKnown(pattern: string, known: ReadonlySet<string>): boolean {
  if (pattern === '*' || known.has(pattern)) return true;
  const service = pattern.endsWith('/*') ? pattern.slice(0, -1) : undefined;
  return service !== undefined && [...known].some((method) => method.startsWith(service));
}

function unknownMethod(pattern: string, client: string): string {
  return pattern === ''
    ? `'${client}' has an empty method`
    : `'${pattern}' of '${client}' is not a known method`;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
