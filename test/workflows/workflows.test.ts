import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { actionsIn, imagesIn, isCommit } from '../../scripts/pin/references.js';
import { pinnedFiles } from '../../scripts/pin/files.js';
import { allSteps, jobsOf, localActions, workflow, workflows, type Permissions } from './workflow-files.js';

const all = workflows();
const jobs = all.flatMap(jobsOf);
const files = [...all, ...localActions()];
const makefile = readFileSync('Makefile', 'utf8');
const security = readFileSync('docs/security.md', 'utf8').replaceAll(/\s+/g, ' ');

describe('every workflow', () => {
  it('pins each action by a full commit and says of which version it is', () => {
    for (const { file, text } of files)
      for (const { ref, version, repository } of actionsIn(text)) {
        expect(isCommit(ref), `${file}: ${repository}@${ref}`).to.equal(true);
        expect(version, `${file}: ${repository}`).to.match(/^v\d+\.\d+\.\d+$/);
      }
  });

  it('names an action with the same commit everywhere', () => {
    const uses = files.flatMap(({ text }) => actionsIn(text));
    const commits = new Set(uses.map(({ repository, ref, version }) => `${repository}@${ref} ${version}`));
    expect(commits).to.have.length(new Set(uses.map(({ repository }) => repository)).size);
  });

  it('uses nothing that the look for actions does not see', () => {
    for (const { file, text } of files) {
      const lines = text
        .split('\n')
        .filter((line) => /^\s*(- )?uses:/.test(line) && !line.includes('uses: ./'));
      expect(actionsIn(text), file).to.have.length(lines.length);
    }
  });

  it('names local workflows and actions that exist', () => {
    const uses = [...jobs.map(({ job }) => job.uses), ...allSteps().map(({ step }) => step.uses)];
    for (const name of uses.filter((one) => one?.startsWith('./')))
      expect(existsSync(name?.endsWith('.yml') ? name : `${name}/action.yml`), name).to.equal(true);
  });

  it('has no permission unless a job asks for it', () => {
    for (const { file, permissions } of all) expect(permissions, file).to.deep.equal({});
    for (const { title, job } of jobs) expect(job.permissions, title).to.be.an('object');
  });

  it('may write only where that is the purpose', () => {
    const writing = jobs.flatMap(({ title, job }) =>
      writesOf(job.permissions).map((what) => `${title}: ${what}`),
    );
    expect(writing).to.have.members([
      '.github/workflows/ci.yml, job codeql: security-events',
      '.github/workflows/codeql.yml, job analyze: security-events',
      '.github/workflows/images.yml, job source: security-events',
      '.github/workflows/images.yml, job build: security-events',
      '.github/workflows/images.yml, job publish: packages',
      '.github/workflows/images.yml, job publish: id-token',
      '.github/workflows/images.yml, job publish: attestations',
      '.github/workflows/images.yml, job publish: artifact-metadata',
      '.github/workflows/images.yml, job tag: packages',
      '.github/workflows/scan-source.yml, job trivy: security-events',
      '.github/workflows/scheduled-scan.yml, job source: security-events',
      '.github/workflows/scheduled-scan.yml, job images: security-events',
    ]);
  });

  it('never runs code of strangers with the rights of this repository', () => {
    for (const { file, on } of all)
      expect(Object.keys(on), file)
        .not.to.include.members(['pull_request_target'])
        .and.not.include('workflow_run');
  });

  it('gives values to shells as variables, never as text of a script', () => {
    for (const { title, step } of allSteps()) expect(step.run ?? '', title).not.to.include('${{');
  });

  it('leaves no token behind in the checkout', () => {
    for (const { title, step } of allSteps())
      if (step.uses?.startsWith('actions/checkout@'))
        expect(step.with?.['persist-credentials'], title).to.equal(false);
  });

  it('ends each job in time', () => {
    for (const { title, job } of jobs)
      if (job.uses === undefined) expect(job['timeout-minutes'], title).to.be.within(1, 120);
  });

  it('says what may run beside what', () => {
    for (const { file, concurrency, jobs: own } of all) {
      const groups = [concurrency, ...Object.values(own).map((job) => job.concurrency)];
      const isLimited = concurrency !== undefined || groups.slice(1).every((group) => group !== undefined);
      expect(isLimited, file).to.equal(true);
    }
  });

  it('calls make targets that exist', () => {
    const scripts = allSteps().map(({ step }) => step.run ?? '');
    const called = [...scripts.join('\n').matchAll(/\bmake ([a-z0-9-]+)/g)];
    expect(called).not.to.be.empty;
    for (const [, target] of called) expect(makefile).to.match(new RegExp(`^${target}:`, 'm'));
  });
});

/** Those that want root on Debian. A runner's own engine does what the one has; docs/roadmap.md has the other. */
const insteadOnRunners = new Map([
  ['verify-containers', 'make deploy-docker'],
  ['verify-cluster', undefined],
]);

describe('ci.yml', () => {
  const ci = workflow('ci');
  const matrixOf = (name: string) => ci.jobs[name]?.strategy?.matrix?.['node'];

  it('runs what .ci/run runs', () => {
    const script = readFileSync('.ci/run', 'utf8');
    const first = [...script.matchAll(/^stage ([a-z-]+)$/gm)].map(([, name]) => name ?? '');
    const [, others = ''] = /^for target in (.+); do$/m.exec(script) ?? [];
    const stages = [...first, ...others.split(' ')];
    expect(stages).to.have.length.above(5);
    const runs = Object.values(ci.jobs).flatMap(({ steps = [] }) => steps.map(({ run }) => run ?? ''));
    for (const stage of stages) {
      const command = insteadOnRunners.has(stage) ? insteadOnRunners.get(stage) : `make ${stage}`;
      if (command !== undefined) expect(runs).to.include(command);
    }
  });

  it('fails where a tool is not to be had', () => {
    for (const name of ['verify-observability', 'verify-deployments']) {
      const step = ci.jobs[name]?.steps?.find(({ run }) => run === `make ${name}`);
      expect(step?.env, name).to.include({ MAY_LACK: 'none' });
    }
  });

  it('tests the oldest Node.js that package.json promises and the one of the images', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
    const [, image] =
      /^FROM .*\bnode:(\d+)\./m.exec(readFileSync('deployments/docker/Dockerfile', 'utf8')) ?? [];
    for (const name of ['check', 'test', 'test-client'])
      expect(matrixOf(name), name).to.include.members([engines.node.replace('>=', ''), '24', image]);
  });

  it('gives the check of the contract the history that it compares with', () => {
    const checkout = ci.jobs['check']?.steps?.find(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkout?.with?.['fetch-depth']).to.equal(0);
  });

  it('has one job that waits for all others', () => {
    const others = Object.keys(ci.jobs).filter((name) => name !== 'all');
    expect(ci.jobs['all']?.needs).to.have.members(others);
    expect(ci.jobs['all']?.if).to.equal('always()');
  });
});

describe('images of others', () => {
  const images = pinnedFiles('.')
    .filter((file) => file.startsWith('deployments'))
    .flatMap((file) => imagesIn(readFileSync(file, 'utf8')));

  it('have exact versions', () => {
    expect(images).not.to.be.empty;
    for (const { reference, tag } of images)
      expect(tag, reference).to.match(/^v?\d+\.\d+(\.\d+)?(-[a-z]+[\d.]*)?$/);
  });

  it('have digests, or docs/security.md says that `make pin` is still to be run', () => {
    const isPinned = images.every(({ digest }) => digest !== undefined);
    expect(security.includes('digests are still missing')).to.equal(!isPinned);
  });
});

describe('renovate.json', () => {
  interface Manager {
    readonly description: string;
    readonly managerFilePatterns: readonly string[];
    readonly matchStrings: readonly string[];
  }
  const { customManagers } = JSON.parse(readFileSync('renovate.json', 'utf8')) as {
    readonly customManagers: readonly Manager[];
  };
  const names = ['deployments', 'scripts'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  );

  for (const { description, managerFilePatterns, matchStrings } of customManagers)
    it(`finds something with its own patterns: ${description}`, () => {
      const isMeant = (name: string) =>
        managerFilePatterns.some((pattern) => new RegExp(pattern.slice(1, -1)).test(name));
      const texts = names.filter(isMeant).map((name) => readFileSync(name, 'utf8'));
      for (const pattern of matchStrings) {
        const groups = texts.flatMap((text) =>
          [...text.matchAll(new RegExp(pattern, 'g'))].map((one) => one.groups),
        );
        expect(groups.map((one) => one?.['currentValue'])).not.to.be.empty.and.not.to.include(undefined);
      }
    });
});

function writesOf(permissions: Permissions | undefined): string[] {
  if (typeof permissions !== 'object') return [];
  return Object.entries(permissions).flatMap(([what, right]) => (right === 'write' ? [what] : []));
}
