import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { allowedClients, certificateOf } from '../../cmd/dev/certificates.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { stopTestCluster } from '../../pkg/postgres/testing/test-cluster.js';
import { openTransport, type Transport } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { parseAllowedClients } from '../../pkg/rpc/tls-allowed-clients.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { ensureCertificates } from '../../scripts/dev-certs/folder.js';
import { quiet } from '../integration/quiet.js';
import { startSystem, type System } from '../integration/system.js';
import { composeFile, type ComposeFile } from './compose-file.js';
import { readDockerfile, last } from './dockerfile.js';
import { processes, services } from './system.js';
import { describeWith } from './tools.js';

const certificateVariables = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'];
const mount = '/etc/tls';

function environmentOf(file: ComposeFile, name: string): Record<string, string> {
  return { ...file.services[name]?.environment };
}

describeWith(['compose'], 'the compose file with mutual TLS', () => {
  const file = composeFile({ tls: true, profiles: 'tools' });
  const plain = composeFile({ profiles: 'tools' });

  for (const name of processes) {
    it(`shows ${name} its own certificate and no other, to read only`, () => {
      expect(file.services[name]?.volumes).to.deep.equal([
        {
          type: 'bind',
          source: path.resolve('.certs', name),
          target: mount,
          read_only: true,
          bind: { create_host_path: false },
        },
      ]);
      expect(environmentOf(file, name)).to.include({
        TLS_CERT_FILE: `${mount}/tls.crt`,
        TLS_KEY_FILE: `${mount}/tls.key`,
        TLS_CA_FILE: `${mount}/ca.crt`,
      });
    });

    it(`changes nothing else of ${name}`, () => {
      const more = name === 'test-client' ? [] : ['TLS_ALLOWED_CLIENTS'];
      const { environment = {}, volumes: _, ...rest } = file.services[name]!;
      const { environment: before = {}, ...restBefore } = plain.services[name]!;
      expect(rest).to.deep.equal(restBefore);
      const added = Object.keys(environment).filter((variable) => !(variable in before));
      expect(added).to.have.members([...certificateVariables, ...more]);
      expect(environment).to.include(before);
    });
  }

  it('changes no other container', () => {
    expect(file.services).to.have.all.keys(Object.keys(plain.services));
    for (const [name, container] of Object.entries(file.services))
      if (!processes.includes(name)) expect(container).to.deep.equal(plain.services[name]);
  });

  for (const { name } of services)
    it(`lets call ${name} who calls it in the code, and only what`, () => {
      const listOf = (text: string) =>
        Object.fromEntries(
          [...parseAllowedClients(text)].map(([client, methods]) => [client, [...methods].toSorted()]),
        );
      const given = environmentOf(file, name)['TLS_ALLOWED_CLIENTS'] ?? '';
      expect(listOf(given)).to.deep.equal(listOf(allowedClients));
    });
});

describeWith(['compose'], 'services with the settings and certificates of the compose file', () => {
  const file = composeFile({ tls: true, profiles: 'tools' });
  let folder: string;
  let transport: Transport;
  let system: System;

  /** What the container gets, with paths where its mounts are here. Telemetry and names in Docker's DNS are not here. */
  const variablesOf = (name: string): Record<string, string> => {
    const given = Object.entries(environmentOf(file, name)).filter(
      ([variable]) => !variable.startsWith('OTEL_'),
    );
    const [volume] = file.services[name]?.volumes ?? [];
    const place = path.join(folder, path.relative(path.resolve('.certs'), volume?.source ?? ''));
    const here = given.map(([variable, value]) => [
      variable,
      certificateVariables.includes(variable) ? value.replace(mount, place) : value,
    ]);
    return { ...(Object.fromEntries(here) as Record<string, string>), ...quiet };
  };

  before(async () => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), 'compose-tls-')), '.certs');
    await ensureCertificates(folder, processes, new Date());
    const {
      TLS_CERT_FILE: cert = '',
      TLS_KEY_FILE: key = '',
      TLS_CA_FILE: ca = '',
    } = variablesOf('test-client');
    transport = await openTransport({ tls: { cert, key, ca } });
    system = await startSystem({ tls: { transport, variablesOf } });
    await system.stock({ sku: 'mug', quantity: 10n });
  });

  after(async () => {
    await system.close();
    await transport.close();
    await stopTestCluster();
    rmSync(path.dirname(folder), { recursive: true });
  });

  it('confirm an order: each accepts the certificates of those that call it', async () => {
    const { order } = await system.order.createOrder({
      requestId: uuidv7(),
      customerId: 'ada',
      items: [{ sku: 'mug', quantity: 1n }],
      paymentMethod: 'pm_approve',
    });
    expect(order?.state).to.equal(OrderState.CONFIRMED);
  });

  it('refuse who shows no certificate', async () => {
    const client = loneClient(InventoryServiceService, system.inventoryAddress);
    const refusal = await client.getStock({ sku: 'mug', view: 0 }).catch((error: unknown) => error);
    client.close();
    expect(refusal).to.have.property('reason', 'DEPENDENCY_UNAVAILABLE');
  });

  it('refuse what their certificate does not allow', async () => {
    const order = await openTransport({ tls: certificateOf('order-service', folder) });
    const client = loneClient(InventoryServiceService, system.inventoryAddress, { transport: order });
    const request = { requestId: uuidv7(), sku: 'mug', delta: 1n, reason: 'mine' };
    const refusal = await client.adjustStock(request).catch((error: unknown) => error);
    client.close();
    await order.close();
    expect(refusal).to.have.property('reason', 'PERMISSION_DENIED');
  });

  it('are who they are called in compose: a handshake under the name that order-service uses', async () => {
    const address = environmentOf(file, 'order-service')['INVENTORY_SERVICE_ADDR'] ?? '';
    const servername = address.split(':')[0] ?? '';
    const port = Number(system.inventoryAddress.split(':')[1]);
    const { cert, key, ca } = certificateOf('order-service', folder);
    const [certPem, keyPem, caPem] = [cert, key, ca].map((one) => readFileSync(one));
    const name = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername, ALPNProtocols: ['h2'] };
      const socket = connect({ ...options, cert: certPem, key: keyPem, ca: caPem }, () => {
        resolve(socket.authorized && socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(name).to.equal('inventory-service');
  });

  for (const name of processes) {
    it(`have a certificate for their name in compose and on this machine: ${name}`, () => {
      const certificate = new X509Certificate(
        readFileSync(certificateOf(name as 'test-client', folder).cert),
      );
      for (const host of [name, 'localhost']) expect(certificate.checkHost(host)).to.equal(host);
    });

    it(`can be read by the user of the image, who sees only what is mounted: ${name}`, () => {
      const [uid, gid] = last(readDockerfile().lineage(name), 'USER').text.split(':').map(Number);
      const { status, stderr } = spawnSync('cat', ['tls.crt', 'tls.key', 'ca.crt'], {
        // The folder is entered before the user is changed, as a mount is: the way to it is closed to others.
        cwd: path.join(folder, name),
        encoding: 'utf8',
        ...(process.getuid?.() === 0 && { uid: uid ?? 0, gid: gid ?? 0 }),
      });
      expect(status, stderr).to.equal(0);
    });
  }
});
