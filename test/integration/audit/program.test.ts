import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { certificateOf, tlsVariables } from '../../../cmd/dev/services/certificates.js';
import { serviceNames } from '../../../cmd/dev/supervisor/protocol.js';
import { openTransport, type Transport } from '../../../pkg/rpc/index.js';
import { ensureCertificates } from '../../../scripts/dev-certs/folder.js';
import { startSystem, type System } from '../../support/system.js';
import { execute, place, placeEachOutcome } from './run.js';

const main = fileURLToPath(new URL('../../../cmd/audit/main.ts', import.meta.url));

interface Exit {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the program audit with mutual TLS', () => {
  let folder: string;
  let transport: Transport;
  let system: System;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'certs-'));
    await ensureCertificates(folder, [...serviceNames, 'test-client'], new Date());
    transport = await openTransport({ tls: certificateOf('test-client', folder) });
    const variablesOf = (service: Parameters<typeof tlsVariables>[0]) => tlsVariables(service, folder);
    system = await startSystem({ tls: { transport, variablesOf } });
    await system.stock({ sku: 'espresso', quantity: 100n });
    await placeEachOutcome(system);
  });
  after(async () => {
    await system.close();
    await transport.close();
    await rm(folder, { recursive: true });
  });

  async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Exit> {
    const { cert, key, ca } = certificateOf('test-client', folder);
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
      env: {
        ...process.env,
        // No coverage: the loader hook of the child process shifts source positions.
        NODE_V8_COVERAGE: '',
        ORDER_SERVICE_ADDR: system.addresses.order,
        INVENTORY_SERVICE_ADDR: system.addresses.inventory,
        PAYMENT_SERVICE_ADDR: system.addresses.payment,
        TLS_CERT_FILE: cert,
        TLS_KEY_FILE: key,
        TLS_CA_FILE: ca,
        ...env,
      },
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
  }

  it('prints every invariant with its figures, what was not checked, and exits with 0', async () => {
    const { code, stdout, stderr } = await run([]);
    expect(stderr).to.equal('');
    expect(stdout.match(/✔ \d\./g)).to.have.length(9);
    expect(stdout).to.contain('skus 1').and.to.contain('orders 5').and.to.contain('not checked');
    expect(stdout.trim().split('\n').at(-1)).to.match(
      /^9 of 9 invariants hold, 0 violations, 0 not judged, /,
    );
    expect(code).to.equal(0);
  });

  it('exits with 2 when the usage is invalid or a service is unreachable', async () => {
    const usage = await run(['--unknown']);
    expect(usage).to.include({ code: 2, stdout: '' });
    const unreachable = await run([], { PAYMENT_SERVICE_ADDR: 'localhost:1' });
    expect(unreachable.code).to.equal(2);
    expect(unreachable.stderr).to.match(/^audit: could not finish: /);
  });

  it('prints violations with their ids as JSON, and exits with 1', async () => {
    const { orderId, reservationId } = await place(system);
    const change = `update reservations set state = 'RETURNED' where id = '${reservationId}'`;
    await execute(system.databases.inventory, change);
    const { code, stdout } = await run(['--json']);
    expect(code).to.equal(1);
    const report = JSON.parse(stdout);
    expect(report).to.include({ exitCode: 1, dropped: 0 });
    expect(report.invariants[1]).to.include({ number: 2, status: 'violated' });
    expect(report.invariants[1].violations[0].ids).to.deep.equal({
      order_id: orderId,
      reservation_id: reservationId,
    });
  });
});
