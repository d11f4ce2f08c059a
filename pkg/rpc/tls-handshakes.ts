import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Counter } from 'prom-client';
import type { Telemetry } from '../observability/telemetry.js';

/** Why a handshake failed: the label of the metric. */
type Why = keyof typeof words;

const words = {
  no_certificate: 'it has no certificate',
  untrusted: 'its certificate is not signed by a CA of TLS_CA_FILE',
  expired: 'its certificate has expired',
  not_yet_valid: 'its certificate is not valid yet',
  wrong_purpose: 'its certificate is not meant for clients',
  plain: 'it does not speak TLS',
  old_version: 'it speaks only TLS versions before 1.3',
  refused_us: 'it does not accept the certificate of this server',
  timeout: 'it took too long',
  hung_up: 'it hung up',
  other: 'the handshake failed',
} as const;

/** By the code of Node or OpenSSL. */
const causes: Readonly<Record<string, Why>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no_certificate',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  INVALID_PURPOSE: 'wrong_purpose',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'untrusted',
  CERT_SIGNATURE_FAILURE: 'untrusted',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain',
  ERR_SSL_HTTP_REQUEST: 'plain',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'old_version',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'refused_us',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'refused_us',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'refused_us',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'refused_us',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ECONNRESET: 'hung_up',
};

/** A client that keeps trying is told of once in this time, milliseconds. */
const quietMs = 60_000;
/** Most (peer, cause) pairs remembered. */
const maxRemembered = 1000;

/** Counts the handshakes that failed, and logs whose and why. */
export function handshakeRefusals({ metrics, logger }: Pick<Telemetry, 'metrics' | 'logger'>) {
  const counter = new Counter({
    name: 'tls_handshakes_refused_total',
    help: 'Connections that ended in their TLS handshake, by reason.',
    labelNames: ['reason'],
    registers: [metrics.registry],
  });
  for (const reason of Object.keys(words)) counter.inc({ reason }, 0);
  const told = new Map<string, number>();
  const isNews = (key: string, now: number): boolean => {
    if (now - (told.get(key) ?? -Infinity) < quietMs) return false;
    if (told.size >= maxRemembered) told.clear();
    told.set(key, now);
    return true;
  };
  return (server: Http2Server): void => {
    const addresses = rememberAddresses(server);
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const code = String(socket.authorizationError ?? error.code);
      const reason = causes[code] ?? 'other';
      const peer = addresses(socket);
      counter.inc({ reason });
      if (!isNews(`${peer} ${reason}`, Date.now())) return;
      // Port scans and load balancers do this all day.
      const level = reason === 'hung_up' ? 'debug' : 'warn';
      logger[level]({ peer, reason, why: words[reason], code }, 'connection refused');
    });
  };
}

/** The address is gone by the time an untrusted certificate is told of. */
function rememberAddresses(server: Http2Server): (socket: TLSSocket) => string {
  const addresses = new WeakMap<Socket, string>();
  server.prependListener('connection', (socket: Socket) => {
    addresses.set(socket, socket.remoteAddress ?? 'unknown');
  });
  return (socket) => {
    const below = Reflect.get(socket, '_parent') as Socket | null | undefined;
    return socket.remoteAddress ?? (below && addresses.get(below)) ?? 'unknown';
  };
}
