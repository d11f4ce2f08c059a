import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { actionsIn, imagesIn } from '../../scripts/pin/references.js';
import { pinnedFiles } from '../../scripts/pin/files.js';
import { allSteps, jobsOf, localActions, workflow, workflows } from './workflow-files.js';

const all = workflows();
const jobs = all.flatMap(jobsOf);
const makefile = readFileSync('Makefile', 'utf8');

/** zizmor (test/deployments/lint.test.ts) checks the security of the workflows. */
describe('every workflow', () => {
  it('uses the same commit of an action everywhere, and names the version of the action', () => {
    const uses = [...all, ...localActions()].flatMap(({ text }) => actionsIn(text));
    const commits = new Set(uses.map(({ repository, ref, version }) => `${repository}@${ref} ${version}`));
    expect(commits).to.have.length(new Set(uses.map(({ repository }) => repository)).size);
    for (const { repository, version } of uses) expect(version, repository).to.match(/^v\d+\.\d+\.\d+$/);
  });

  it('names local workflows and actions that exist', () => {
    const uses = [...jobs.map(({ job }) => job.uses), ...allSteps().map(({ step }) => step.uses)];
    for (const name of uses.filter((one) => one?.startsWith('./')))
      expect(existsSync(name?.endsWith('.yml') ? name : `${name}/action.yml`), name).to.equal(true);
  });

  it('limits the time of each job', () => {
    for (const { title, job } of jobs)
      if (job.uses === undefined) expect(job['timeout-minutes'], title).to.be.within(1, 120);
  });

  it('calls make targets that exist', () => {
    const scripts = allSteps().map(({ step }) => step.run ?? '');
    const called = [...scripts.join('\n').matchAll(/\bmake ([a-z0-9-]+)/g)];
    expect(called).not.to.be.empty;
    for (const [, target] of called) expect(makefile).to.match(new RegExp(`^${target}:`, 'm'));
  });
});

describe('the oldest supported Node.js', () => {
  it('has the same major version in every file that states its version', () => {
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    const { optionalDependencies } = JSON.parse(
      readFileSync('scripts/node/package.json', 'utf8'),
    ) as Manifest;
    const installed = new Set(Object.values(optionalDependencies));
    expect(installed).to.have.length(1);
    const [, make] = /^OLDEST_NODE := (\d+)$/m.exec(makefile) ?? [];
    const versions = [
      make,
      readFileSync('.nvmrc', 'utf8').trim(),
      devDependencies['@types/node'],
      ...installed,
    ];
    for (const version of versions) expect(version?.split('.')[0]).to.equal(oldestNode());
  });
});

/**
 * Targets that need root on Debian or variables, with the commands that replace these targets on the runners of GitHub.
 * `verify-cluster` has no replacement yet (docs/roadmap.md).
 */
const insteadOnRunners = new Map([
  ['verify-containers', 'make deploy-docker'],
  ['verify-cluster', undefined],
  ['bench-recovery', 'make bench-recovery ARGS=--short'],
  ['bench', 'make bench ARGS="--smoke --min-ratio 0.15"'],
]);

describe('ci.yml', () => {
  const ci = workflow('ci');
  const matrixOf = (name: string) => ci.jobs[name]?.strategy?.matrix?.['node'];

  it('runs the targets of .ci/run or their replacements', () => {
    const script = readFileSync('.ci/run', 'utf8');
    const first = [...script.matchAll(/^(?:program_)?stage ([a-z-]+)/gm)].map(([, name]) => name ?? '');
    const [, others = ''] = /^for target in (.+); do$/m.exec(script) ?? [];
    const stages = [...first, ...others.split(' ')];
    expect(stages).to.have.length.above(5);
    const runs = Object.values(ci.jobs).flatMap(({ steps = [] }) => steps.map(({ run }) => run ?? ''));
    for (const stage of stages) {
      const command = insteadOnRunners.has(stage) ? insteadOnRunners.get(stage) : `make ${stage}`;
      if (command !== undefined) expect(runs).to.include(command);
    }
  });

  it('fails if a tool of `verify-observability` or `verify-deployments` is unavailable', () => {
    for (const name of ['verify-observability', 'verify-deployments']) {
      const step = ci.jobs[name]?.steps?.find(({ run }) => run === `make ${name}`);
      expect(step?.env, name).to.include({ MAY_LACK: 'none' });
    }
  });

  it('tests the oldest supported Node.js and the Node.js version of the images', () => {
    const [, image] =
      /^FROM .*\bnode:(\d+)\./m.exec(readFileSync('deployments/docker/Dockerfile', 'utf8')) ?? [];
    for (const name of ['check', 'test', 'test-client'])
      expect(matrixOf(name), name).to.have.members([oldestNode(), image]);
  });

  it('has one job that waits for all other jobs', () => {
    const others = Object.keys(ci.jobs).filter((name) => name !== 'all');
    expect(ci.jobs['all']?.needs).to.have.members(others);
    expect(ci.jobs['all']?.if).to.equal('always()');
  });
});

describe('third-party images', () => {
  const images = pinnedFiles('.')
    .filter((file) => file.startsWith('deployments'))
    .flatMap((file) => imagesIn(readFileSync(file, 'utf8')));

  it('have exact versions', () => {
    expect(images).not.to.be.empty;
    for (const { reference, tag } of images)
      expect(tag, reference).to.match(/^v?\d+\.\d+(\.\d+)?(-[a-z]+[\d.]*)?$/);
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
  const names = ['deployments', 'test/lab'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  );

  for (const { description, managerFilePatterns, matchStrings } of customManagers)
    it(`finds versions with each pattern of the custom manager '${description}'`, () => {
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

interface Manifest {
  readonly engines: { readonly node: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

function oldestNode(): string {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  return engines.node.replace('>=', '');
}
