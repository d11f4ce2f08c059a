import { expect } from 'chai';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { dockerfilePath } from './dockerfile.js';
import { describeWith, fileOf, runTool } from './tools.js';

const folders = ['scripts', '.ci', 'deployments', 'test/deployments'];

/** Files that a shell reads, by their first line. */
function shellScripts(): string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name)),
    )
    .filter((file) => /^#!.*\b(sh|bash)\b/.test(readFileSync(file, 'utf8').split('\n', 1)[0] ?? ''));
}

describeWith(['hadolint'], 'hadolint', () => {
  it('has nothing against the Dockerfile', () => {
    expect(runTool(fileOf('hadolint', 'hadolint'), [dockerfilePath])).to.equal('');
  });
});

describeWith(['shellcheck'], 'shellcheck', () => {
  it('has nothing against any shell script', () => {
    const scripts = shellScripts();
    expect(scripts).to.include('scripts/run-tests.sh');
    expect(runTool(fileOf('shellcheck', 'shellcheck'), scripts)).to.equal('');
  });
});

describeWith(['actionlint', 'shellcheck'], 'actionlint', () => {
  it('has nothing against the workflows, nor against the scripts in them', () => {
    const folder = '.github/workflows';
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)) : [];
    const files = names.map((name) => path.join(folder, name));
    const options = ['-no-color', '-shellcheck', fileOf('shellcheck', 'shellcheck'), '-pyflakes', ''];
    if (files.length > 0)
      expect(runTool(fileOf('actionlint', 'actionlint'), [...options, ...files])).to.equal('');
  });
});

describeWith(['trivy'], 'trivy', () => {
  it('finds nothing high or critical in the Dockerfile and the manifests', () => {
    const options = ['config', '--exit-code', '1', '--severity', 'HIGH,CRITICAL', '--quiet'];
    runTool(fileOf('trivy', 'trivy'), [...options, 'deployments']);
  });
});
