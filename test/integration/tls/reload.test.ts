import { expect } from 'chai';
import { handler } from '../../../pkg/rpc/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { testReloadMs, type LogLine } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { pause } from '../../../pkg/runtime/index.js';
import { hours, MountedSecret, TestAuthority, type CertificateFiles } from './certificates.js';
import { loggedTransport, startTlsEcho, uncheckedTransport, type EchoClient, type TlsEcho } from './echo.js';

const dns = ['buyer'];
const reloaded = 'TLS files reloaded';
const notUsed = 'changed TLS files are not used';

const count = (logs: readonly LogLine[], message: string): number =>
  logs.filter(({ msg }) => msg === message).length;

/** Runs `act`, which changes TLS files, and waits until the process reloads the files. */
async function change(logs: readonly LogLine[], act: () => unknown): Promise<void> {
  const reloadsBefore = count(logs, reloaded);
  await act();
  await waitFor(() => count(logs, reloaded) > reloadsBefore, `log line "${reloaded}"`);
}

/**
 * Starts continuous calls.
 * @returns a function that stops the load and returns the number of calls, or rejects with the first failure
 */
function startLoad(client: EchoClient): () => Promise<number> {
  let isStopped = false;
  let calls = 0;
  const worker = async (): Promise<void> => {
    for (; !isStopped; calls += 1) await client.say({ text: 'hi' });
  };
  const running = Promise.all(Array.from({ length: 8 }, worker));
  // Prevents an unhandled rejection; the returned function reports the failure.
  running.catch(() => undefined);
  return async () => {
    isStopped = true;
    await running;
    return calls;
  };
}

describe('certificates of a running server', () => {
  let echo: TlsEcho;

  beforeEach(async () => {
    echo = await startTlsEcho({ allowed: 'buyer=*', config: { maxConnectionAgeMs: 100 } });
  });
  afterEach(() => echo.close());

  it('are replaced together with their CA under load, without a failed call', async () => {
    const { authority: oldCa, server, files: serverFiles } = echo;
    const newCa = await TestAuthority.create();
    const buyer = await oldCa.issue({ dns });
    const clientFiles = echo.filesOf(buyer, oldCa);
    const transport = await echo.transport(clientFiles);
    const stop = startLoad(echo.connect(transport));
    const steps: readonly [readonly LogLine[], () => unknown][] = [
      [server.logs, () => serverFiles.writeFile('ca', oldCa.cert + newCa.cert)],
      [transport.logs, () => clientFiles.writeFile('ca', oldCa.cert + newCa.cert)],
      [server.logs, async () => serverFiles.write(await newCa.issue(), oldCa, newCa)],
      [transport.logs, async () => clientFiles.write(await newCa.issue({ dns }), oldCa, newCa)],
      [server.logs, () => serverFiles.writeFile('ca', newCa.cert)],
      [transport.logs, () => clientFiles.writeFile('ca', newCa.cert)],
    ];
    const failedBefore = await server.metric('tls_handshakes_refused_total');
    for (const [logs, act] of steps) {
      await change(logs, act);
      // The pause is longer than the maximum connection age, so that every connection is replaced.
      await pause(300);
    }
    expect(await stop()).to.be.greaterThan(100);
    expect(await server.metric('tls_handshakes_refused_total')).to.equal(failedBefore);
    const oldClient = echo.connect(uncheckedTransport(buyer, newCa));
    await expectReason(oldClient.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
    await server.logged('TLS handshake failed', { reason: 'untrusted' });
  });
});

describe('a server with changed TLS files', () => {
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

  it('keeps its connections and the calls in progress', async () => {
    const client = await echo.client(await echo.authority.issue({ dns }));
    const waiting = client.say({ text: 'wait' });
    await waitFor(() => release !== undefined, 'started handler');
    await change(echo.server.logs, async () =>
      echo.files.write(await echo.authority.issue(), echo.authority),
    );
    release();
    expect(await waiting).to.deep.equal({ text: 'wait' });
    await client.say({ text: 'hi' });
    expect(await echo.server.metric('active_connections')).to.equal(1);
  });

  it('reports the validity of its certificate in metrics', async () => {
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
    'a half-written key': (files) => files.writeFile('key', '-----BEGIN PRIVATE KEY-----\nMIGHAg'),
    'a half-written certificate': async (files, { authority }) =>
      files.writeFile('cert', (await authority.issue()).cert.slice(0, 300)),
    'an empty CA file': (files) => files.writeFile('ca', ''),
    'a certificate without its key': async (files, { authority }) =>
      files.writeFile('cert', (await authority.issue()).cert),
    'an expired certificate': async (files, { authority }) =>
      files.write(await authority.issue(hours(-2, -1)), authority),
    'a certificate that is not valid yet': async (files, { authority }) =>
      files.write(await authority.issue(hours(1, 2)), authority),
    'a missing file': (files) => files.remove('key'),
  };
  for (const [mistake, makeMistake] of Object.entries(mistakes))
    it(`keeps its certificate after ${mistake}, logs the problem once, and reloads valid files`, async () => {
      const { server, files, authority } = echo;
      await makeMistake(files, echo);
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

describe('a client with TLS files in a mounted secret', () => {
  it('connects with the certificate of the updated secret', async () => {
    const echo = await startTlsEcho({ allowed: 'buyer=*' });
    const secret = new MountedSecret().write(
      await echo.authority.issue({ dns: ['unlisted'] }),
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
