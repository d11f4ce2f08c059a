import path from 'node:path';
import { expect } from 'chai';
import { serviceNames } from '../../cmd/dev/supervisor/protocol.js';
import { ensureCertificates } from '../../scripts/dev-certs/folder.js';
import { lastLine, TestFolder } from './test-client-process.js';

describe('test-client with certificates', function () {
  this.timeout(300_000);
  let folder: TestFolder;
  let env: { readonly DEV_TLS_DIR: string };

  beforeEach(() => {
    folder = new TestFolder();
    env = { DEV_TLS_DIR: path.join(folder.directory, '.certs') };
  });
  afterEach(() => folder.remove());

  it('runs a load with mutual TLS', async () => {
    await ensureCertificates(env.DEV_TLS_DIR, [...serviceNames, 'test-client'], new Date());
    const { code, stdout, stderr } = await folder.run(['--orders', '60', '--concurrency', '6'], env);
    expect(stderr).to.equal('');
    expect(stdout).to.include('outcomes: 60 CONFIRMED').and.to.include('order-service at localhost:');
    expect(lastLine(stdout)).to.equal('10 passed, 0 failed, 0 skipped');
    expect(code).to.equal(0);
  });

  it('names the command that creates missing certificates', async () => {
    const { code, stderr } = await folder.run([], env);
    expect(stderr).to.include('`make dev-certs` creates them');
    expect(code).not.to.equal(0);
  });
});
