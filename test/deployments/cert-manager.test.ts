import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { expectReason } from '../support/expect-reason.js';
import { openTransport } from '../../pkg/rpc/index.js';
import { startTestServer, type TestServer } from '../support/rpc/test-server.js';
import { waitFor } from '../support/wait-for.js';
import { Scope } from '../../pkg/runtime/index.js';
import { MountedSecret } from '../integration/tls/certificates.js';
import type { EchoClient } from '../integration/tls/echo.js';
import { startControlPlane, type ControlPlane } from '../lab/control-plane/control-plane.js';
import { addCertManager, namespace } from '../lab/control-plane/installation.js';
import {
  awaitCertificates,
  issuedTo,
  renew,
  startCertManager,
  type Issued,
} from '../lab/control-plane/issued-certificates.js';
import { objectOf, render } from './manifests.js';
import { processes } from './system.js';
import { describeWith } from '../lab/requirements.js';

const needed = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas', 'cert-manager-controller'] as const;
/** Without this option, grpc-js shares a connection among all channels of one target. */
const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };
const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

interface CertificateSpec {
  readonly dnsNames: readonly string[];
  readonly usages: readonly string[];
}

describeWith(needed, 'the certificates that cert-manager issues', () => {
  const manifests = [...render('production'), ...render('smoke-test with mutual TLS')].filter(
    ({ apiVersion }) => apiVersion.startsWith('cert-manager.io/'),
  );
  let cluster: ControlPlane;
  let scope: Scope;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    cluster = await startControlPlane();
    stops.unshift(() => cluster.stop());
    addCertManager(cluster);
    cluster.kubectl(['create', 'namespace', namespace]);
    stops.unshift(startCertManager(cluster));
    cluster.kubectl(['apply', '-f', '-'], manifests.map((one) => `---\n${stringify(one)}`).join(''));
    awaitCertificates(cluster);
  });

  after(async () => {
    for (const stop of stops) await stop();
  });

  beforeEach(() => {
    scope = new Scope();
  });

  afterEach(() => scope.close());

  for (const name of processes)
    it(`include a certificate for ${name} with the names and usages of its manifest, signed by the CA in the same Secret`, () => {
      const { cert, key, ca } = issuedTo(cluster, name);
      const own = new X509Certificate(cert);
      const authority = new X509Certificate(ca);
      const { dnsNames, usages } = objectOf(manifests, 'Certificate', name).spec as CertificateSpec;
      expect(own.subjectAltName).to.equal(dnsNames.map((dns) => `DNS:${dns}`).join(', '));
      const purposes = usages.includes('server auth') ? [serverAuth, clientAuth] : [clientAuth];
      expect(own.keyUsage).to.deep.equal(purposes);
      expect(own.verify(authority.publicKey)).to.equal(true);
      expect([own.ca, authority.ca]).to.deep.equal([false, true]);
      expect(own.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    });

  /** Writes the certificate, the key and the CA of a process to files, as its pods mount them. */
  const mounted = (name: string): MountedSecret => {
    const { cert, key, ca } = issuedTo(cluster, name);
    return scope.use(new MountedSecret()).write({ cert, key }, { cert: ca });
  };

  const serveAs = async (files: MountedSecret): Promise<TestServer> => {
    const allowedClients = new Map([['order-service', new Set(['*'])]]);
    return scope.use(await startTestServer({ tls: files.paths, config: { allowedClients } }));
  };

  /** Opens a client that presents the certificate of `name` and expects `service` in the certificate of the server. */
  const clientOf = async (server: TestServer, name: string, service: string): Promise<EchoClient> => {
    const transport = scope.use(await openTransport({ tls: mounted(name).paths }));
    return server.client({
      transport,
      channelOptions: { ...ownConnection, 'grpc.ssl_target_name_override': service },
    });
  };

  it('let only allowed clients call a server, and only by a name in the certificate of the server', async () => {
    const server = await serveAs(mounted('inventory-service'));
    const order = await clientOf(server, 'order-service', 'inventory-service.order-processing.svc');
    expect(await order.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
    await server.logged('call served', { status: 'OK', client: 'order-service' });
    const catalog = await clientOf(server, 'catalog-service', 'inventory-service');
    await expectReason(catalog.say({ text: 'hi' }), 'PERMISSION_DENIED');
    const misled = await clientOf(server, 'order-service', 'payment-service');
    await expectReason(misled.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
  });

  it('are renewed with a new key by the same CA, and the server reloads them without a restart', async () => {
    const before = issuedTo(cluster, 'inventory-service');
    const files = mounted('inventory-service');
    const server = await serveAs(files);

    renew(cluster, 'inventory-service');

    let after: Issued = before;
    await waitFor(() => {
      after = issuedTo(cluster, 'inventory-service');
      return after.cert !== before.cert;
    }, 'renewed certificate');
    expect(after.key).not.to.equal(before.key);
    expect(after.ca).to.equal(before.ca);
    files.write(after, { cert: after.ca });
    await server.logged('TLS files reloaded');
    const order = await clientOf(server, 'order-service', 'inventory-service');
    expect(await order.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
  });

  it('stay valid when the CA is renewed, because the CA keeps its key', async () => {
    const before = issuedTo(cluster, 'order-processing-ca', 'order-processing-ca');
    renew(cluster, 'order-processing-ca');
    let after: Issued = before;
    await waitFor(() => {
      after = issuedTo(cluster, 'order-processing-ca', 'order-processing-ca');
      return after.cert !== before.cert;
    }, 'renewed CA');
    expect(after.key).to.equal(before.key);
    const server = await serveAs(mounted('inventory-service'));
    renew(cluster, 'order-service');
    await waitFor(
      () => issuedTo(cluster, 'order-service').ca === after.cert,
      'certificate of the renewed CA',
    );
    const order = await clientOf(server, 'order-service', 'inventory-service');
    expect(await order.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
  });

  const hasAuthority = (): boolean => {
    const place = ['secret', 'order-processing-ca', '-n', namespace];
    return cluster.kubectl(['get', ...place, '--ignore-not-found', '-o', 'name']).trim() !== '';
  };

  it('are signed by a new CA if they are renewed after the Secret of the old CA is deleted; a server trusts them only after it reloads its files', async () => {
    const before = issuedTo(cluster, 'inventory-service');
    const files = mounted('inventory-service');
    const server = await serveAs(files);

    cluster.kubectl(['delete', 'secret', 'order-processing-ca', '-n', namespace]);
    await waitFor(() => hasAuthority(), 'new CA');
    expect(issuedTo(cluster, 'inventory-service').ca).to.equal(before.ca);
    for (const name of processes) renew(cluster, name);

    await waitFor(
      () => processes.every((name) => issuedTo(cluster, name).ca !== before.ca),
      'certificates of the new CA',
    );
    const after = issuedTo(cluster, 'inventory-service');
    const [old, authority] = [new X509Certificate(before.ca), new X509Certificate(after.ca)];
    expect(new X509Certificate(after.cert).verify(authority.publicKey)).to.equal(true);
    expect(new X509Certificate(after.cert).verify(old.publicKey)).to.equal(false);
    expect([...new Set(processes.map((name) => issuedTo(cluster, name).ca))]).to.deep.equal([after.ca]);
    const early = await clientOf(server, 'order-service', 'inventory-service');
    await expectReason(early.say({ text: 'hi' }), 'DEPENDENCY_UNAVAILABLE');
    files.write(after, { cert: after.ca });
    await server.logged('TLS files reloaded');
    const order = await clientOf(server, 'order-service', 'inventory-service');
    expect(await order.say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
  });
});
