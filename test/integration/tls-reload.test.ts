import { expect } from 'chai';
import { handler } from '../../pkg/rpc/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { testReloadMs, type LogLine } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { pause } from '../../pkg/runtime/index.js';
import { hours, MountedSecret, TestAuthority, type CertificateFiles } from './tls-certificates.js';
import {
  loggedTransport,
  startTlsEcho,
  uncheckedTransport,
  type EchoClient,
  type TlsEcho,
} from './tls-echo.js';

const dns = ['buyer'];
const reloaded = 'TLS files reloaded';
const notUsed = 'changed TLS files are not used';

const count = (logs: readonly LogLine[], message: string): number =>
  logs.filter(({ msg }) => msg === message).length;

/** Changes files and waits until whoever watches them has noticed. */
async function change(logs: readonly LogLine[], act: () => unknown): Promise<void> {
  const before = count(logs, reloaded);
  await act();
  await waitFor(() => count(logs, reloaded) > before, reloaded);
}

/** Calls all the time until told to stop; returns how often. The first failure is thrown. */
function startLoad(client: EchoClient): () => Promise<number> {
  let isOver = false;
  let calls = 0;
  const worker = async (): Promise<void> => {
    for (; !isOver; calls += 1) await client.say({ text: 'hi' });
  };
  const running = Promise.all(Array.from({ length: 8 }, worker));
  // Told by whoever stops the load.
  running.catch(() => undefined);
  return async () => {
    isOver = true;
    await running;
    return calls;
  };
}

describe('certificates that change while a server runs', () => {
  let echo: TlsEcho;

  beforeEach(async () => {
    echo = await startTlsEcho({ allowed: 'buyer=*', config: { maxConnectionAgeMs: 100 } });
  });
  afterEach(() => echo.close());

  it('are all replaced under load, the CA too, without a failed call', async () => {
    const { authority: old, server, files: ofServer } = echo;
    const next = await TestAuthority.create();
    const buyer = await old.issue({ dns });
    const ofClient = echo.filesOf(buyer, old);
    const transport = await echo.transport(ofClient);
    const stop = startLoad(echo.connect(transport));
    const steps: readonly [readonly LogLine[], () => unknown][] = [
      [server.logs, () => ofServer.writeOne('ca', old.cert + next.cert)],
      [transport.logs, () => ofClient.writeOne('ca', old.cert + next.cert)],
      [server.logs, async () => ofServer.write(await next.issue(), old, next)],
      [transport.logs, async () => ofClient.write(await next.issue({ dns }), old, next)],
      [server.logs, () => ofServer.writeOne('ca', next.cert)],
      [transport.logs, () => ofClient.writeOne('ca', next.cert)],
    ];
    const refusedBefore = await server.metric('tls_handshakes_refused_total');
    for (const [logs, act] of steps) {
      await change(logs, act);
      // Long enough for every connection to be replaced.
      await pause(300);
    }
    expect(await stop()).to.be.greaterThan(100);
    expect(await server.metric('tls_handshakes_refused_total')).to.equal(refusedBefore);
    const late = echo.connect(uncheckedTransport(buyer, next));
    await expectReason(late.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
    await server.logged('connection refused', { reason: 'untrusted' });
  });
});

describe('a server whose TLS files change', () => {
  let echo: TlsEcho;
  let release: () => void;

  beforeEach(async () => {
    echo = await startTlsEcho({
      allowed: 'buyer=*',
      handlers: {
        say: handler(
          ({ text }) => text,
          async (text) => {
            if (text === 'wait')
              await new Promise<void>((resolve) => {
                release = resolve;
              });
            return { text };
          },
        ),
      },
    });
  });
  afterEach(() => echo.close());

  const call = async (): Promise<unknown> =>
    (await echo.client(await echo.authority.issue({ dns }))).say({ text: 'hi' });

  it('keeps its connections and the calls on them', async () => {
    const client = await echo.client(await echo.authority.issue({ dns }));
    const waiting = client.say({ text: 'wait' });
    await waitFor(() => release !== undefined, 'the call to be served');
    await change(echo.server.logs, async () =>
      echo.files.write(await echo.authority.issue(), echo.authority),
    );
    release();
    expect(await waiting).to.deep.equal({ text: 'wait' });
    await client.say({ text: 'hi' });
    expect(await echo.server.metric('active_connections')).to.equal(1);
  });

  it('shows from when until when its certificate is valid', async () => {
    const validity = hours(-1, 2);
    await change(echo.server.logs, async () =>
      echo.files.write(await echo.authority.issue(validity), echo.authority),
    );
    const own = (moment: string) =>
      echo.server.metric(`tls_certificate_${moment}_timestamp_seconds`, { certificate: 'own' });
    expect(await own('not_before')).to.equal(Math.floor(validity.notBefore.getTime() / 1000));
    expect(await own('expiry')).to.equal(Math.floor(validity.notAfter.getTime() / 1000));
  });

  const mistakes: Record<string, (files: CertificateFiles, echo: TlsEcho) => Promise<unknown> | void> = {
    'a key that is half written': (files) => files.writeOne('key', '-----BEGIN PRIVATE KEY-----\nMIGHAg'),
    'a certificate that is half written': async (files, { authority }) =>
      files.writeOne('cert', (await authority.issue()).cert.slice(0, 300)),
    'an empty CA file': (files) => files.writeOne('ca', ''),
    'a certificate whose key is not there yet': async (files, { authority }) =>
      files.writeOne('cert', (await authority.issue()).cert),
    'a certificate that has expired': async (files, { authority }) =>
      files.write(await authority.issue(hours(-2, -1)), authority),
    'a certificate that is not valid yet': async (files, { authority }) =>
      files.write(await authority.issue(hours(1, 2)), authority),
    'a file that is gone': (files) => files.remove('key'),
  };
  for (const [mistake, make] of Object.entries(mistakes))
    it(`goes on with what it has after ${mistake}, says so once, and takes what is good again`, async () => {
      const { server, files, authority } = echo;
      await make(files, echo);
      const [line] = await server.logged(notUsed);
      expect(line)
        .to.have.property('problem')
        .that.matches(/^TLS_(CERT|KEY|CA)_FILE /);
      expect(line?.['problem']).not.to.include('MIG');
      await call();
      await pause(10 * testReloadMs);
      expect(count(server.logs, notUsed)).to.equal(1);
      await change(server.logs, async () => files.write(await authority.issue(), authority));
      await call();
    });
});

describe('a client whose TLS files are a mounted secret', () => {
  it('connects with what was swapped in', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const secret = new MountedSecret().write(
      await echo.authority.issue({ dns: ['stranger'] }),
      echo.authority,
    );
    const transport = await loggedTransport(secret.paths);
    await expectReason(echo.connect(transport).say({ text: 'hi' }), 'PERMISSION_DENIED');
    const buyer = await echo.authority.issue({ dns });
    await change(transport.logs, () => secret.write(buyer, echo.authority));
    expect(await echo.connect(transport).say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
    await transport.close();
    secret.close();
    await echo.close();
  });
});
