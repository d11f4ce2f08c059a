import type { Http2Server } from 'node:http2';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { AppError } from '../../errors/index.js';
import { annotateCall } from '../../observability/index.js';
import type { Authorize, ServerCall } from '../server/call-context.js';
import type { AllowedClients } from './config.js';

/** Authorizes clients by the names in their certificates and rejects all methods that are not listed for the client. */
export function allowOnly(allowed: AllowedClients): Authorize {
  return ({ callerNames: names, method }) => {
    if (names.length === 0)
      throw new AppError({
        reason: 'UNAUTHENTICATED',
        message: 'the certificate of the caller has no DNS name or URI',
      });
    const client = names.find((name) => mayCall(allowed.get(name), method));
    annotateCall({ client: client ?? names.join(' ') });
    if (client === undefined)
      throw new AppError({ reason: 'PERMISSION_DENIED', message: `the caller may not call ${method}` });
  };
}

function mayCall(patterns: ReadonlySet<string> | undefined, method: string): boolean {
  if (!patterns) return false;
  const service = method.slice(0, method.indexOf('/'));
  return patterns.has('*') || patterns.has(`${service}/*`) || patterns.has(method);
}

/** Parses the certificate once per connection. Without this cache, each `getPeerCertificate` call takes about 50 µs. */
export function cacheCertificates(server: Http2Server): void {
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerCertificate();
    Object.assign(socket, { getPeerCertificate: () => certificate });
  });
}

const namesOf = new WeakMap<PeerCertificate, readonly string[]>();

/** Returns the DNS names and URIs in the certificate of the caller; an empty array without mutual TLS. */
export function callerNames(call: Pick<ServerCall, 'getAuthContext'>): readonly string[] {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (!certificate) return [];
  const cached = namesOf.get(certificate);
  if (cached) return cached;
  const names = alternativeNames(certificate.subjectaltname ?? '');
  namesOf.set(certificate, names);
  return names;
}

/** Matches one entry of a list such as `DNS:a, URI:b`. Node.js quotes names with special characters as JSON. */
const alternativeName = /(?:^|, )(DNS|URI|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/y;

/**
 * Parses the subject alternative names of a certificate. Quoted names are skipped, because they are neither DNS names
 * nor URIs that TLS_ALLOWED_CLIENTS accepts.
 * @param list in the `subjectaltname` format of Node.js
 * @returns URIs, and DNS names in lower case; an empty array for a malformed list
 */
export function alternativeNames(list: string): string[] {
  const names: string[] = [];
  let offset = 0;
  while (offset < list.length) {
    alternativeName.lastIndex = offset;
    const [all, kind, name = ''] = alternativeName.exec(list) ?? [];
    if (all === undefined) return [];
    offset += all.length;
    if (name === '' || name.startsWith('"')) continue;
    if (kind === 'DNS') names.push(name.toLowerCase());
    if (kind === 'URI') names.push(name);
  }
  return names;
}
