import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { AppError } from '../../../pkg/errors/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startTestServer } from '../../support/rpc/test-server.js';
import type { Subject } from '../../../scripts/dev-certs/certificates.js';
import { hours, TestAuthority } from './certificates.js';
import { startTlsEcho, uncheckedTransport, type EchoClient, type TlsEcho } from './echo.js';

const dns = ['buyer'];

/** Expects that the connection fails before the client timeout of one minute. */
function expectRejected(client: EchoClient): Promise<AppError> {
  return expectReason(client.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
}

interface RejectedClient {
  readonly description: string;
  /** Value of the metric label `reason`. */
  readonly reason: string;
  connect(echo: TlsEcho): Promise<EchoClient>;
}

const withCertificate = (problem: string, reason: string, subject: Partial<Subject>): RejectedClient => ({
  description: `a client whose certificate ${problem}`,
  reason,
  connect: async ({ authority, connect: open }) =>
    open(uncheckedTransport(await authority.issue({ dns, ...subject }), authority)),
});

const rejectedClients: readonly RejectedClient[] = [
  { description: 'a client without TLS', reason: 'plain', connect: async (echo) => echo.connect() },
  {
    description: 'a client without a certificate',
    reason: 'no_certificate',
    connect: async ({ authority, connect: open }) => {
      const trusting = credentials.createSsl(Buffer.from(authority.cert));
      return open({ channelCredentials: () => trusting });
    },
  },
  withCertificate('has expired', 'expired', hours(-2, -1)),
  withCertificate('is not valid yet', 'not_yet_valid', hours(1, 2)),
  withCertificate('is for servers only', 'wrong_purpose', { purposes: ['server'] }),
  {
    description: 'a client with a certificate of another CA that has the same name',
    reason: 'untrusted',
    connect: async (echo) => {
      const other = await TestAuthority.create();
      return echo.connect(uncheckedTransport(await other.issue({ dns }), echo.authority));
    },
  },
];

describe('a server with mutual TLS', () => {
  let echo: TlsEcho;

  beforeEach(async () => {
    echo = await startTlsEcho({ allowed: 'buyer=*' });
  });
  afterEach(() => echo.close());

  it('serves a client with a certificate of the trusted CA', async () => {
    const client = await echo.client(await echo.authority.issue({ dns }));
    expect(await client.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
  });

  for (const { description, reason, connect: open } of rejectedClients)
    it(`rejects ${description} immediately, and logs the address of the client and the reason`, async () => {
      await expectRejected(await open(echo));
      const [line] = await echo.server.logged('TLS handshake failed', { reason });
      expect(line).to.include({ level: 'warn', peer: '127.0.0.1' });
      expect(line?.['why']).to.match(/^(the client|the certificate|no CA|the handshake) /);
      expect(await echo.server.metric('tls_handshakes_refused_total', { reason })).to.be.at.least(1);
    });

  it('logs repeated failures of a client once, but counts every failure', async () => {
    for (let count = 0; count < 5; count += 1) await expectRejected(echo.connect());
    expect(await echo.server.logged('TLS handshake failed', { reason: 'plain' })).to.have.length(1);
    expect(await echo.server.metric('tls_handshakes_refused_total', { reason: 'plain' })).to.be.at.least(5);
  });

  it('supports TLS 1.3 only', async () => {
    const { cert, key } = await echo.authority.issue({ dns });
    const valid = { ca: echo.authority.cert, cert, key };
    expect(await handshake(valid)).to.equal('TLSv1.3');
    expect(await handshake({ ...valid, maxVersion: 'TLSv1.2' })).to.match(/^ERR_SSL/);
    await echo.server.logged('TLS handshake failed', { reason: 'old_version' });
  });

  /** Returns the negotiated TLS version, or the error code of a failed handshake. */
  async function handshake(options: ConnectionOptions): Promise<string> {
    const socket = connect({
      port: echo.server.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ALPNProtocols: ['h2'],
      ...options,
    });
    const failed = new Promise<string>((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    const agreed = once(socket, 'secureConnect').then(() => socket.getProtocol() ?? 'none');
    const outcome = await Promise.race([agreed.catch(() => failed), failed]);
    socket.destroy();
    return outcome;
  }
});

describe('a client with mutual TLS', () => {
  const causeOf = (error: AppError): string => (error.cause as Error).message;

  it('rejects a server without TLS immediately', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const plain = await startTestServer();
    const transport = await echo.transport(echo.filesOf(await echo.authority.issue({ dns }), echo.authority));
    await expectRejected(echo.connect(transport, `localhost:${plain.port}`));
    await plain.close();
    await echo.close();
  });

  it('rejects a server certificate for another name', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*', subject: { dns: ['elsewhere'] } });
    const files = echo.filesOf(await echo.authority.issue({ dns }), echo.authority);
    const { telemetry } = echo.server;
    const client = echo.server.client({
      target: echo.target,
      transport: await echo.transport(files),
      telemetry,
    });
    const error = await expectRejected(client);
    expect(error.message).to.equal('the service did not respond');
    const [line] = await echo.server.logged('call made', { level: 'warn', status: 'UNAVAILABLE' });
    expect(line?.['details']).to.include("not in the cert's altnames: DNS:elsewhere");
    await echo.close();
  });

  it('rejects a server certificate of another CA', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const other = await TestAuthority.create();
    const files = echo.filesOf(await echo.authority.issue({ dns }), other);
    const error = await expectRejected(echo.connect(await echo.transport(files)));
    expect(causeOf(error)).to.match(/unable to verify|self-signed|certificate signature failure/);
    await echo.close();
  });

  it('rejects an expired server certificate', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const { cert, key } = await echo.authority.issue(hours(-2, -1));
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const ca = Buffer.from(echo.authority.cert);
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(ca, [pair], true), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const transport = await echo.transport(echo.filesOf(await echo.authority.issue({ dns }), echo.authority));
    const error = await expectRejected(echo.connect(transport, `localhost:${port}`));
    expect(causeOf(error)).to.include('certificate has expired');
    server.forceShutdown();
    await echo.close();
  });
});
