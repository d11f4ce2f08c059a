import { AppError } from '../errors/index.js';
import { annotateCall } from '../observability/call-record.js';
import { contractMethods } from './descriptors.js';
import type { Authorize } from './handler.js';

/** What each client may call, by a name in its certificate: `*`, `package.Service/*` or `package.Service/Method`. */
export type AllowedClients = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads who may call what: `client=method,method`, clients apart by `;` or a new line. A client is a DNS
 * name or a URI of a certificate; a method is `*`, `package.Service/*` or `package.Service/Method`.
 * @param known every method that may be named; default: those of the contract
 * @throws Error that names every part that is wrong, and completes "TLS_ALLOWED_CLIENTS …"
 */
export function parseAllowedClients(text: string, known?: ReadonlySet<string>): AllowedClients {
  const entries = text.split(/[;\n]/).map((entry) => entry.trim());
  const given = entries.filter((entry) => entry !== '').map(readEntry);
  const methods = given.length === 0 ? new Set<string>() : (known ?? contractMethods());
  const problems = [
    ...given.flatMap((entry) => problemsOf(entry, methods)),
    ...repeated(given.map(({ client }) => client)).map((client) => `'${client}' is given twice`),
  ];
  if (problems.length > 0) throw new Error(`must be client=method,method;client=…: ${problems.join(', ')}`);
  return new Map(given.map(({ client, patterns }) => [client, new Set(patterns)]));
}

interface Entry {
  readonly client: string;
  readonly patterns: readonly string[];
}

function readEntry(entry: string): Entry {
  const [client = '', ...rest] = entry.split('=');
  const patterns = rest.join('=').split(',');
  return { client: asName(client.trim()), patterns: patterns.map((pattern) => pattern.trim()) };
}

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const dnsName = new RegExp(`^${label}(?:\\.${label})*$`, 'i');
const uri = /^[a-z][a-z0-9+.-]*:\/\/[^\s=;,*]+$/i;

/** DNS names have no case (RFC 4343); URIs do. */
function asName(name: string): string {
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
    : `'${pattern}' of '${client}' is no known method`;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Lets the clients call what they may, by the names in their certificates, and nobody anything else. */
export function allowOnly(allowed: AllowedClients): Authorize {
  return ({ callerNames, method }) => {
    if (callerNames.length === 0)
      throw new AppError({ reason: 'UNAUTHENTICATED', message: 'no certificate vouches for the caller' });
    const client = callerNames.find((name) => mayCall(allowed.get(name), method));
    annotateCall({ client: client ?? callerNames.join(' ') });
    if (client === undefined)
      throw new AppError({ reason: 'PERMISSION_DENIED', message: `the caller may not call ${method}` });
  };
}

function mayCall(patterns: ReadonlySet<string> | undefined, method: string): boolean {
  if (!patterns) return false;
  const service = method.slice(0, method.indexOf('/'));
  return patterns.has('*') || patterns.has(`${service}/*`) || patterns.has(method);
}
