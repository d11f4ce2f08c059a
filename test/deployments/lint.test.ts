import { expect } from 'chai';
import { loadEnvironment } from '../../pkg/config/index.js';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { localActions, type LocalAction } from '../workflows/workflow-files.js';
import { dockerfilePath } from '../lab/dockerfile.js';
import { describeWith, fileOf, runTool } from '../lab/requirements.js';

const folders = ['scripts', '.ci', 'deployments', 'test/lab'];

/** Returns the files whose first line names a shell. */
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
  it('accepts the Dockerfile', () => {
    expect(runTool(fileOf('hadolint'), [dockerfilePath])).to.equal('');
  });
});

describeWith(['shellcheck'], 'shellcheck', () => {
  it('accepts every shell script', () => {
    const scripts = shellScripts();
    expect(scripts).to.include('scripts/run-tests.sh');
    expect(runTool(fileOf('shellcheck'), scripts)).to.equal('');
  });
});

describeWith(['actionlint', 'shellcheck'], 'actionlint', () => {
  const workflows = '.github/workflows';

  function actionlint(files: readonly string[], input = ''): string {
    const options = ['-no-color', '-shellcheck', fileOf('shellcheck'), '-pyflakes', ''];
    return runTool(fileOf('actionlint'), [...options, ...files], input);
  }

  it('accepts the workflows and the scripts in them', () => {
    const files = readdirSync(workflows).map((name) => path.join(workflows, name));
    expect(files).not.to.be.empty;
    expect(actionlint(files)).to.equal('');
  });

  it('accepts the actions of this repository, converted to workflows', () => {
    for (const action of localActions())
      expect(actionlint(['-'], asWorkflow(action)), action.file).to.equal('');
  });

  it('finds a fault in a script of an action, and an input that is not defined', () => {
    const step = { shell: 'bash', env: { A: '${{ inputs.absent }}' }, run: 'rm $A' };
    const lint = (): string => actionlint(['-'], asWorkflow({ inputs: {}, steps: [step] }));
    expect(lint)
      .to.throw('SC2086')
      .with.property('message')
      .that.includes('property "absent" is not defined');
  });
});

describeWith(['zizmor'], 'zizmor', () => {
  it('accepts the workflows and actions', () => {
    runTool(fileOf('zizmor'), ['--offline', '--quiet', '.github']);
  });
});

describeWith(['trivy', 'kubectl'], 'trivy', () => {
  const ignored = '.trivyignore.yaml';
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'scan-'));
    const env = { ...loadEnvironment(), KUBECTL: fileOf('kubectl') };
    execFileSync('sh', ['scripts/render-for-scan.sh', path.join(folder, 'rendered')], { env });
  });

  after(() => rmSync(folder, { recursive: true }));

  /** Scans with the checks that trivy contains, so that trivy downloads nothing. */
  function scan(...options: readonly string[]): string {
    const builtIn = ['--skip-check-update', '--cache-dir', path.join(folder, 'cache'), '--quiet'];
    const severe = ['config', ...builtIn, '--severity', 'HIGH,CRITICAL', ...options];
    return runTool(fileOf('trivy'), [...severe, path.join(folder, 'rendered')]);
  }

  it('finds no fault of severity HIGH or CRITICAL in the Dockerfile and in the manifests', () => {
    scan('--exit-code', '1', '--ignorefile', ignored);
  });

  it('finds every fault that the ignore file lists, so that the file has no obsolete entry', () => {
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

/** Wraps the steps of an action in a workflow of one job, because actionlint does not read actions. */
function asWorkflow({ inputs, steps }: Pick<LocalAction, 'inputs' | 'steps'>): string {
  const strings = Object.fromEntries(Object.keys(inputs).map((name) => [name, { type: 'string' }]));
  return stringify({
    on: { workflow_call: { inputs: strings } },
    jobs: { action: { 'runs-on': 'ubuntu-24.04', steps } },
  });
}
