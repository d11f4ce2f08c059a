import { expect } from 'chai';
import { loadEnvironment } from '../../pkg/config/index.js';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { localActions, type LocalAction } from '../workflows/workflow-files.js';
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
  const workflows = '.github/workflows';

  function actionlint(files: readonly string[], input = ''): string {
    const options = ['-no-color', '-shellcheck', fileOf('shellcheck', 'shellcheck'), '-pyflakes', ''];
    return runTool(fileOf('actionlint', 'actionlint'), [...options, ...files], input);
  }

  it('has nothing against the workflows, nor against the scripts in them', () => {
    const files = readdirSync(workflows).map((name) => path.join(workflows, name));
    expect(files).not.to.be.empty;
    expect(actionlint(files)).to.equal('');
  });

  it('has nothing against the actions of this repository, read as workflows', () => {
    for (const action of localActions())
      expect(actionlint(['-'], asWorkflow(action)), action.file).to.equal('');
  });

  it('sees what is wrong in the scripts of an action, and in what they are given', () => {
    const step = { shell: 'bash', env: { A: '${{ inputs.absent }}' }, run: 'rm $A' };
    const lint = (): string => actionlint(['-'], asWorkflow({ inputs: {}, steps: [step] }));
    expect(lint)
      .to.throw('SC2086')
      .with.property('message')
      .that.includes('property "absent" is not defined');
  });
});

describe('the actions of this repository', () => {
  for (const { file, inputs, steps, text } of localActions()) {
    it(`use each input that they have: ${file}`, () => {
      for (const name of Object.keys(inputs)) expect(text).to.include(`inputs.${name} }}`);
    });

    it(`name the shell of each script, and take secrets as inputs only: ${file}`, () => {
      for (const { run, shell } of steps) if (run !== undefined) expect(shell, run).to.equal('bash');
      expect(text).not.to.include('secrets.');
    });
  }
});

describeWith(['zizmor'], 'zizmor', () => {
  it('has nothing against the workflows and actions', () => {
    runTool(fileOf('zizmor', 'zizmor'), ['--offline', '--quiet', '.github']);
  });
});

describeWith(['trivy', 'kubectl'], 'trivy', () => {
  const ignored = '.trivyignore.yaml';
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'scan-'));
    const env = { ...loadEnvironment(), KUBECTL: fileOf('kubectl', 'kubectl') };
    execFileSync('sh', ['scripts/render-for-scan.sh', path.join(folder, 'rendered')], { env });
  });

  after(() => rmSync(folder, { recursive: true }));

  /** With the checks that are built in: without a cache and without a registry. */
  function scan(...options: readonly string[]): string {
    const builtIn = ['--skip-check-update', '--cache-dir', path.join(folder, 'cache'), '--quiet'];
    const severe = ['config', ...builtIn, '--severity', 'HIGH,CRITICAL', ...options];
    return runTool(fileOf('trivy', 'trivy'), [...severe, path.join(folder, 'rendered')]);
  }

  it('finds nothing high or critical in the Dockerfile and in what reaches a cluster', () => {
    scan('--exit-code', '1', '--ignorefile', ignored);
  });

  it('finds without exceptions what they name, so that none outlives its reason', () => {
    const { Results: results } = JSON.parse(scan('--format', 'json')) as TrivyReport;
    const found = results.flatMap(({ Target: target, Misconfigurations: findings = [] }) =>
      findings.map(({ ID: id }) => `${id} ${target}`),
    );
    const { misconfigurations } = parse(readFileSync(ignored, 'utf8')) as Exceptions;
    const excepted = misconfigurations.flatMap(({ id, paths }) => paths.map((file) => `${id} ${file}`));
    expect([...new Set(found)]).to.have.members(excepted);
  });
});

interface TrivyReport {
  readonly Results: readonly {
    readonly Target: string;
    readonly Misconfigurations?: readonly { readonly ID: string }[];
  }[];
}

interface Exceptions {
  readonly misconfigurations: readonly { readonly id: string; readonly paths: readonly string[] }[];
}

/** A composite action as a workflow of one job: actionlint does not read actions. */
function asWorkflow({ inputs, steps }: Pick<LocalAction, 'inputs' | 'steps'>): string {
  const strings = Object.fromEntries(Object.keys(inputs).map((name) => [name, { type: 'string' }]));
  return stringify({
    on: { workflow_call: { inputs: strings } },
    jobs: { action: { 'runs-on': 'ubuntu-24.04', steps } },
  });
}
