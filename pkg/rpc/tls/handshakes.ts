import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Counter } from 'prom-client';
import type { Telemetry } from '../../observability/index.js';

/** Value of the label `reason`. */
type FailureReason = keyof typeof explanations;

const explanations = {
  no_certificate: 'the client has no certificate',
  untrusted: 'no CA of TLS_CA_FILE has signed the certificate of the client',
  expired: 'the certificate of the client has expired',
  not_yet_valid: 'the certificate of the client is not valid yet',
  wrong_purpose: 'the certificate of the client is not intended for clients',
  plain: 'the client does not use TLS',
  old_version: 'the client supports only TLS versions before 1.3',
  refused_us: 'the client rejects the certificate of this server',
  timeout: 'the handshake timed out',
  hung_up: 'the client closed the connection',
  other: 'the handshake failed',
} as const;

/** Failure reasons by error code of Node.js or OpenSSL. */
const reasons: Readonly<Record<string, FailureReason>> = {
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

/** Failures with the same peer and reason are logged at most once in this interval. */
const logIntervalMs = 60_000;
/** Largest number of (peer, reason) pairs in memory. */
const maxPairs = 1000;

/** Returns a function that counts and logs the failed handshakes of a server. */
export function handshakeFailures({ metrics, logger }: Pick<Telemetry, 'metrics' | 'logger'>) {
  const counter = new Counter({
    name: 'tls_handshakes_refused_total',
    help: 'Failed TLS handshakes by reason.',
    labelNames: ['reason'],
    registers: [metrics.registry],
  });
  for (const reason of Object.keys(explanations)) counter.inc({ reason }, 0);
  const logged = new Map<string, number>();
  const isDue = (key: string, now: number): boolean => {
    if (now - (logged.get(key) ?? -Infinity) < logIntervalMs) return false;
    if (logged.size >= maxPairs) logged.clear();
    logged.set(key, now);
    return true;
  };
  return (server: Http2Server): void => {
    const addresses = trackAddresses(server);
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const code = String(socket.authorizationError ?? error.code);
      const reason = reasons[code] ?? 'other';
      const peer = addresses(socket);
      counter.inc({ reason });
      if (!isDue(`${peer} ${reason}`, Date.now())) return;
      // Port scans and load balancers often close connections during the handshake.
      const level = reason === 'hung_up' ? 'debug' : 'warn';
      logger[level]({ peer, reason, why: explanations[reason], code }, 'TLS handshake failed');
    });
  };
}

/** Records peer addresses, because Node.js clears the address of a socket before it reports an untrusted certificate. */
function trackAddresses(server: Http2Server): (socket: TLSSocket) => string {
  const addresses = new WeakMap<Socket, string>();
  server.prependListener('connection', (socket: Socket) => {
    addresses.set(socket, socket.remoteAddress ?? 'unknown');
  });
  return (socket) => {
    // Node.js has no public access to the TCP socket of a TLS socket.
    const tcpSocket = Reflect.get(socket, '_parent') as Socket | null | undefined;
    return socket.remoteAddress ?? (tcpSocket && addresses.get(tcpSocket)) ?? 'unknown';
  };
}
