import { credentials } from '@grpc/grpc-js';
import { createLogger } from '../../../pkg/observability/logging/logger.js';
import { createMetrics } from '../../../pkg/observability/metrics/metrics.js';
import {
  openTransport,
  type Readiness,
  type RpcClient,
  type ServerConfig,
  type Transport,
} from '../../../pkg/rpc/index.js';
import { EchoServiceService, type EchoHandlers } from '../../support/rpc/echo-service.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import {
  startTestServer,
  testReloadMs,
  type LogLine,
  type TestServer,
} from '../../support/rpc/test-server.js';
import { parseAllowedClients } from '../../../pkg/rpc/tls/config.js';
import type { TlsFiles } from '../../../pkg/rpc/tls/config.js';
import { Scope } from '../../../pkg/runtime/index.js';
import type { Identity, Subject } from '../../../scripts/dev-certs/certificates.js';
import { CertificateFiles, TestAuthority } from './certificates.js';

export type EchoClient = RpcClient<typeof EchoServiceService>;

/** An echo server with mutual TLS, and the CA that issues the certificates. */
export interface TlsEcho {
  readonly authority: TestAuthority;
  readonly server: TestServer;
  /** The TLS files of the server. */
  readonly files: CertificateFiles;
  /** Address of the server in the format `localhost:port`. */
  readonly target: string;
  /** Writes the TLS files of another process. `close` deletes the files. */
  filesOf(identity: Identity, ...trusted: readonly { readonly cert: string }[]): CertificateFiles;
  transport(files: CertificateFiles): Promise<LoggedTransport>;
  /** Creates a client with a separate connection, by default without TLS. */
  connect(transport?: Pick<Transport, 'channelCredentials'>, target?: string): EchoClient;
  /** Creates a client with the certificate of `identity`. The client trusts the CA of the server. */
  client(identity: Identity): Promise<EchoClient>;
  close(): Promise<void>;
}

/** A transport and its log lines. */
export interface LoggedTransport extends Transport {
  readonly logs: LogLine[];
}

export interface TlsEchoOptions {
  /** Value of TLS_ALLOWED_CLIENTS. */
  readonly allowed: string;
  /** Subject of the server certificate. */
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
  const connect: TlsEcho['connect'] = (clientTransport, address = target) =>
    scope.use(loneClient(EchoServiceService, address, clientTransport ? { transport: clientTransport } : {}));
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

/** Creates a transport without checks, for certificates that {@link openTransport} rejects. */
export function uncheckedTransport(
  { cert, key }: Identity,
  trusted: { readonly cert: string },
): Pick<Transport, 'channelCredentials'> {
  const [ca, privateKey, chain] = [trusted.cert, key, cert].map((pem) => Buffer.from(pem));
  return { channelCredentials: () => credentials.createSsl(ca, privateKey, chain) };
}
