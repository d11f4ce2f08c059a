import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { certificateOf } from '../../../cmd/dev/services/certificates.js';
import { readMaterial, verifyMaterial } from '../../../pkg/rpc/tls/material.js';
import { ensureCertificates } from '../../../scripts/dev-certs/folder.js';

const names = ['order-service', 'test-client'] as const;
const start = new Date('2030-01-01T00:00:00Z');
const daysLater = (days: number): Date => new Date(start.getTime() + days * 24 * 3_600_000);

describe('development certificates', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'certs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const ensure = async (now: Date): Promise<Record<string, string>> => {
    const outcomes = await ensureCertificates(folder, names, now);
    return Object.fromEntries(outcomes.map(({ name, state }) => [name, state]));
  };
  const contents = (): string[] =>
    (readdirSync(folder, { recursive: true, encoding: 'utf8' }) as string[])
      .map((name) => path.join(folder, name))
      .filter((file) => statSync(file).isFile())
      .map((file) => `${file}\n${readFileSync(file, 'utf8')}`);
  const expectValid = async (now: Date): Promise<void> => {
    for (const name of names) verifyMaterial(await readMaterial(certificateOf(name, folder)), now.getTime());
  };

  it('contain all names of their process and are signed by one CA', async () => {
    expect(await ensure(start)).to.deep.equal({ ca: 'made', 'order-service': 'made', 'test-client': 'made' });
    await expectValid(start);
    const { cert, ca } = certificateOf('order-service', folder);
    const certificate = new X509Certificate(readFileSync(cert));
    const authority = new X509Certificate(readFileSync(ca));
    expect(certificate.verify(authority.publicKey)).to.equal(true);
    for (const name of ['order-service', 'order-service.order-processing.svc.cluster.local', 'localhost'])
      expect(certificate.checkHost(name), name).to.equal(name);
    expect(certificate.checkHost('test-client')).to.equal(undefined);
    expect(certificate.checkIP('127.0.0.1')).to.equal('127.0.0.1');
  });

  const modeOf = (...parts: readonly string[]): number => statSync(path.join(folder, ...parts)).mode & 0o777;

  it('are readable by every user, such as the user of a container, if the parent folder is private', async () => {
    folder = path.join(folder, 'made');
    await ensure(start);
    expect(modeOf()).to.equal(0o700);
    expect([modeOf('ca'), modeOf('ca', 'tls.key')]).to.deep.equal([0o700, 0o600]);
    for (const name of names) {
      expect(modeOf(name)).to.equal(0o755);
      for (const file of ['tls.key', 'tls.crt', 'ca.crt']) expect(modeOf(name, file), file).to.equal(0o644);
    }
  });

  it('are readable only by their owner when other users can read the parent folder', async () => {
    await ensure(start);
    chmodSync(folder, 0o755);
    await ensure(start);
    for (const name of ['ca', ...names])
      expect([modeOf(name), modeOf(name, 'tls.key')], name).to.deep.equal([0o700, 0o600]);
  });

  it('are unchanged for two months', async () => {
    await ensure(start);
    const before = contents();
    expect(await ensure(daysLater(59))).to.deep.equal({
      ca: 'kept',
      'order-service': 'kept',
      'test-client': 'kept',
    });
    expect(contents()).to.deep.equal(before);
  });

  it('are renewed in their last month and signed by the same CA', async () => {
    await ensure(start);
    expect(await ensure(daysLater(61))).to.deep.equal({
      ca: 'kept',
      'order-service': 'made',
      'test-client': 'made',
    });
    await expectValid(daysLater(61 + 89));
  });

  it('are all renewed when the CA expires soon or is missing', async () => {
    const all = { ca: 'made', 'order-service': 'made', 'test-client': 'made' };
    await ensure(start);
    expect(await ensure(daysLater(300))).to.deep.equal(all);
    rmSync(path.join(folder, 'ca'), { recursive: true });
    expect(await ensure(daysLater(300))).to.deep.equal(all);
    await expectValid(daysLater(300));
  });

  it('are created again when a file is missing or invalid', async () => {
    await ensure(start);
    rmSync(certificateOf('order-service', folder).cert);
    writeFileSync(certificateOf('test-client', folder).key, 'not a key');
    expect(await ensure(start)).to.deep.equal({ ca: 'kept', 'order-service': 'made', 'test-client': 'made' });
    await expectValid(start);
  });
});
