import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';
import type { Http2Server } from 'node:http2';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/**
 * Reads the certificate of each connection once: Node parses it anew whenever it is asked, which is for
 * every call, 50 µs each.
 */
export function rememberCertificates(server: Http2Server): void {
  server.on('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerCertificate();
    Object.assign(socket, { getPeerCertificate: () => certificate });
  });
}

const namesOf = new WeakMap<PeerCertificate, readonly string[]>();

/** Names that the caller's certificate vouches for; none on a plain connection. */
export function callerNames(call: ServerSurfaceCall): readonly string[] {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (!certificate) return [];
  const known = namesOf.get(certificate);
  if (known) return known;
  const names = alternativeNames(certificate.subjectaltname ?? '');
  namesOf.set(certificate, names);
  return names;
}

/** `DNS:a, URI:b`; what could be mistaken for more than one name is quoted by Node, as JSON. */
const alternativeName = /(?:^|, )(DNS|URI|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/y;

/**
 * DNS names, in lower case, and URIs of a certificate, from the list as Node writes it. Quoted names
 * hold what no honest name does and are left out; a list that cannot be read to its end names nobody.
 */
export function alternativeNames(list: string): string[] {
  const names: string[] = [];
  let at = 0;
  while (at < list.length) {
    alternativeName.lastIndex = at;
    const [all, kind, name = ''] = alternativeName.exec(list) ?? [];
    if (all === undefined) return [];
    at += all.length;
    if (name === '' || name.startsWith('"')) continue;
    if (kind === 'DNS') names.push(name.toLowerCase());
    if (kind === 'URI') names.push(name);
  }
  return names;
}
