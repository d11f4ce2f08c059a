import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { imageProcesses as processes } from '../lab/dockerfile.js';
import { workflow } from './workflow-files.js';

const script = workflow('deploy').jobs['images']?.steps?.find(({ id }) => id === 'verify')?.run ?? '';
const digestOf = (image: string): string =>
  `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0').slice(-64)}`;
const place = 'ghcr.io/owner/order-processing';

describe('the verification of images before a deployment', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'verify-images-'));
    const answers = processes.map((name) => `${place}/${name}:v1.2.3) echo ${digestOf(name)} ;;`);
    program('docker', `case "$6" in\n${answers.join('\n')}\n*) exit 1 ;;\nesac`);
    program('cosign', 'echo "$*" >>"$CALLS"\ncase "$2" in *"$UNSIGNED"@*) exit 1 ;; esac');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function program(name: string, body: string): void {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }

  /** Runs the script of the step `verify` in deploy.yml with `bash -e`, as GitHub does. */
  function verify(env: Readonly<Record<string, string>> = {}): {
    code: number | null;
    output: string;
    calls: string[];
  } {
    const [output, calls] = ['output', 'calls'].map((name) => path.join(folder, name)) as [string, string];
    for (const file of [output, calls]) writeFileSync(file, '');
    const given = {
      IMAGES: 'ghcr.io/Owner/order-processing',
      IMAGE_TAG: 'v1.2.3',
      WORKFLOW: 'identity',
      GITHUB_SHA: 'c0ffee',
    };
    const files = { GITHUB_OUTPUT: output, CALLS: calls, PATH: `${folder}:/usr/bin:/bin`, UNSIGNED: 'none' };
    const { status } = spawnSync('bash', ['-e', '-c', script], {
      env: { ...given, ...files, ...env },
      encoding: 'utf8',
    });
    const lines = readFileSync(calls, 'utf8').split('\n').slice(0, -1);
    return { code: status, output: readFileSync(output, 'utf8'), calls: lines };
  }

  it('outputs the digest of every process', () => {
    const { code, output } = verify();
    expect(code).to.equal(0);
    expect(output).to.match(/^digests=.*\n$/);
    const pairs = output.trim().slice('digests='.length).split(' ');
    expect(pairs).to.have.members(processes.map((name) => `${name}=${digestOf(name)}`));
  });

  it('verifies the signature of each digest for this workflow and this commit', () => {
    const { calls } = verify();
    expect(calls.map((call) => call.split(' ')[1])).to.have.members(
      processes.map((name) => `${place}/${name}@${digestOf(name)}`),
    );
    for (const call of calls)
      expect(call)
        .to.include('--certificate-identity identity')
        .and.include('--certificate-github-workflow-sha c0ffee');
  });

  it('outputs no digest when one image is not signed', () => {
    const { code, output } = verify({ UNSIGNED: 'test-client' });
    expect(code).not.to.equal(0);
    expect(output).to.equal('');
  });

  it('outputs no digest when an image is missing', () => {
    const { code, output, calls } = verify({ IMAGE_TAG: 'v9.9.9' });
    expect([code, output, calls]).to.deep.equal([1, '', []]);
  });
});
