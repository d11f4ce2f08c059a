import { credentials } from '@grpc/grpc-js';
import { createLogger } from '../../pkg/observability/logger.js';
import { createMetrics } from '../../pkg/observability/metrics.js';
import {
  openTransport,
  type Readiness,
  type RpcClient,
  type ServerConfig,
  type Transport,
} from '../../pkg/rpc/index.js';
import { EchoServiceService, type EchoHandlers } from '../../pkg/rpc/testing/echo-service.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import {
  startTestServer,
  testReloadMs,
  type LogLine,
  type TestServer,
} from '../../pkg/rpc/testing/test-server.js';
import { parseAllowedClients } from '../../pkg/rpc/tls-allowed-clients.js';
import type { TlsFiles } from '../../pkg/rpc/tls-config.js';
import { Scope } from '../../pkg/runtime/index.js';
import type { Identity, Subject } from '../../scripts/dev-certs/certificates.js';
import { CertificateFiles, TestAuthority } from './tls-certificates.js';

export type EchoClient = RpcClient<typeof EchoServiceService>;

/** An echo server with mutual TLS, the CA it trusts, and clients of all kinds. */
export interface TlsEcho {
  readonly authority: TestAuthority;
  readonly server: TestServer;
  /** Those of the server. */
  readonly files: CertificateFiles;
  /** `localhost:port` */
  readonly target: string;
  /** Files of another process, removed at the end. */
  filesOf(identity: Identity, ...trusted: readonly { readonly cert: string }[]): CertificateFiles;
  transport(files: CertificateFiles): Promise<LoggedTransport>;
  /** A client of its own connection; without transport a plain one. */
  connect(transport?: Pick<Transport, 'channelCredentials'>, target?: string): EchoClient;
  /** A client with this certificate that trusts the CA. */
  client(identity: Identity): Promise<EchoClient>;
  close(): Promise<void>;
}

/** A transport of a process of its own, and what it logs. */
export interface LoggedTransport extends Transport {
  readonly logs: LogLine[];
}

export interface TlsEchoOptions {
  /** TLS_ALLOWED_CLIENTS */
  readonly allowed: string;
  /** Of the server's certificate. */
  readonly subject?: Partial<Subject>;
  readonly config?: Partial<ServerConfig>;
  readonly handlers?: Partial<EchoHandlers>;
  readonly readiness?: Readiness;
}

const methods = new Set(Object.values(EchoServiceService).map(({ path }) => path.slice(1)));

export async function startTlsEcho({
  allowed,
  subject,
  config,
  handlers = {},
  readiness = async () => true,
}: TlsEchoOptions): Promise<TlsEcho> {
  const scope = new Scope();
  const authority = await TestAuthority.create();
  const filesOf: TlsEcho['filesOf'] = (identity, ...trusted) =>
    scope.use(new CertificateFiles()).write(identity, ...trusted);
  const files = filesOf(await authority.issue(subject), authority);
  const allowedClients = parseAllowedClients(allowed, methods);
  const server = scope.use(
    await startTestServer({ tls: files.paths, handlers, readiness, config: { ...config, allowedClients } }),
  );
  const target = `localhost:${server.port}`;
  const transport: TlsEcho['transport'] = async ({ paths }) => scope.use(await loggedTransport(paths));
  const connect: TlsEcho['connect'] = (used, at = target) =>
    scope.use(loneClient(EchoServiceService, at, used ? { transport: used } : {}));
  return {
    authority,
    server,
    files,
    target,
    filesOf,
    transport,
    connect,
    client: async (identity) => connect(await transport(filesOf(identity, authority))),
    close: () => scope.close(),
  };
}

export async function loggedTransport(tls: TlsFiles): Promise<LoggedTransport> {
  const logs: LogLine[] = [];
  const logger = createLogger(
    { service: 'client', logLevel: 'debug', logFormat: 'json' },
    { write: (line) => void logs.push(JSON.parse(line) as LogLine) },
  );
  const telemetry = { logger, metrics: createMetrics('client') };
  return { ...(await openTransport({ tls, telemetry, reloadMs: testReloadMs })), logs };
}

/** Takes any certificate, also one that {@link openTransport} would refuse. */
export function uncheckedTransport(
  { cert, key }: Identity,
  trusted: { readonly cert: string },
): Pick<Transport, 'channelCredentials'> {
  const [ca, privateKey, chain] = [trusted.cert, key, cert].map((pem) => Buffer.from(pem));
  return { channelCredentials: () => credentials.createSsl(ca, privateKey, chain) };
}
