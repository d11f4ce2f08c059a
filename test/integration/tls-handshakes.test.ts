import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { AppError } from '../../pkg/errors/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { startTestServer } from '../../pkg/rpc/testing/test-server.js';
import type { Subject } from '../../scripts/dev-certs/certificates.js';
import { hours, TestAuthority } from './tls-certificates.js';
import { startTlsEcho, uncheckedTransport, type EchoClient, type TlsEcho } from './tls-echo.js';

const dns = ['buyer'];

/** Fails long before its deadline, which is a minute away. */
function refused(client: EchoClient): Promise<AppError> {
  return expectReason(client.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
}

interface Stranger {
  readonly who: string;
  /** As the server counts it. */
  readonly reason: string;
  connect(echo: TlsEcho): Promise<EchoClient>;
}

const certified = (who: string, reason: string, subject: Partial<Subject>): Stranger => ({
  who: `a client whose certificate ${who}`,
  reason,
  connect: async ({ authority, connect: open }) =>
    open(uncheckedTransport(await authority.issue({ dns, ...subject }), authority)),
});

const strangers: readonly Stranger[] = [
  { who: 'a plain client', reason: 'plain', connect: async (echo) => echo.connect() },
  {
    who: 'a client without a certificate',
    reason: 'no_certificate',
    connect: async ({ authority, connect: open }) => {
      const trusting = credentials.createSsl(Buffer.from(authority.cert));
      return open({ channelCredentials: () => trusting });
    },
  },
  certified('has expired', 'expired', hours(-2, -1)),
  certified('is not valid yet', 'not_yet_valid', hours(1, 2)),
  certified('is for servers only', 'wrong_purpose', { purposes: ['server'] }),
  {
    who: 'a client whose certificate another CA of the same name has signed',
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

  it('serves a client whose certificate its CA has signed', async () => {
    const client = await echo.client(await echo.authority.issue({ dns }));
    expect(await client.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
  });

  for (const { who, reason, connect: open } of strangers)
    it(`refuses ${who} at once, and says whom and why`, async () => {
      await refused(await open(echo));
      const [line] = await echo.server.logged('connection refused', { reason });
      expect(line).to.include({ level: 'warn', peer: '127.0.0.1' });
      expect(line?.['why']).to.match(/^it(s| )/);
      expect(await echo.server.metric('tls_handshakes_refused_total', { reason })).to.be.at.least(1);
    });

  it('tells of a client that keeps trying once, and counts every try', async () => {
    for (let count = 0; count < 5; count += 1) await refused(echo.connect());
    expect(await echo.server.logged('connection refused', { reason: 'plain' })).to.have.length(1);
    expect(await echo.server.metric('tls_handshakes_refused_total', { reason: 'plain' })).to.be.at.least(5);
  });

  it('speaks TLS 1.3 and no version before it', async () => {
    const { cert, key } = await echo.authority.issue({ dns });
    const good = { ca: echo.authority.cert, cert, key };
    expect(await handshake(good)).to.equal('TLSv1.3');
    expect(await handshake({ ...good, maxVersion: 'TLSv1.2' })).to.match(/^ERR_SSL/);
    await echo.server.logged('connection refused', { reason: 'old_version' });
  });

  /** Returns the version agreed on, or the code of the failure. */
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

  it('refuses a plain server at once', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const plain = await startTestServer();
    const transport = await echo.transport(echo.filesOf(await echo.authority.issue({ dns }), echo.authority));
    await refused(echo.connect(transport, `localhost:${plain.port}`));
    await plain.close();
    await echo.close();
  });

  it('refuses a server whose certificate is for another name', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*', subject: { dns: ['elsewhere'] } });
    const files = echo.filesOf(await echo.authority.issue({ dns }), echo.authority);
    const { telemetry } = echo.server;
    const client = echo.server.client({
      target: echo.target,
      transport: await echo.transport(files),
      telemetry,
    });
    const error = await refused(client);
    expect(error.message, 'which may travel on').to.equal('the service did not answer');
    const [line] = await echo.server.logged('call made', { level: 'warn', status: 'UNAVAILABLE' });
    expect(line?.['details']).to.include("not in the cert's altnames: DNS:elsewhere");
    await echo.close();
  });

  it('refuses a server whose certificate another CA has signed', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const other = await TestAuthority.create();
    const files = echo.filesOf(await echo.authority.issue({ dns }), other);
    const error = await refused(echo.connect(await echo.transport(files)));
    expect(causeOf(error)).to.match(/unable to verify|self-signed|certificate signature failure/);
    await echo.close();
  });

  it('refuses a server whose certificate has expired', async () => {
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
    const error = await refused(echo.connect(transport, `localhost:${port}`));
    expect(causeOf(error)).to.include('certificate has expired');
    server.forceShutdown();
    await echo.close();
  });
});
