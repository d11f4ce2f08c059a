import { expect } from 'chai';
import { readDockerfile } from '../deployments/dockerfile.js';
import { allSteps, workflow } from './workflow-files.js';

const images = workflow('images');
const publish = images.jobs['publish'];
const { stages } = readDockerfile();

describe('images.yml', () => {
  it('builds, publishes and scans every process that the Dockerfile knows', () => {
    const processes = stages.filter(({ from }) => from === 'runtime').map(({ name }) => name);
    for (const job of [images.jobs['build'], publish, workflow('scheduled-scan').jobs['images']])
      expect(job?.strategy?.matrix?.['process']).to.have.members(processes);
  });

  it('builds for a pull request whatever it changes of what the Dockerfile copies', () => {
    const { paths } = images.on['pull_request'] as { readonly paths: readonly string[] };
    const copies = stages.flatMap(({ instructions }) => instructions.filter(({ name }) => name === 'COPY'));
    const sources = copies
      .filter(({ flags }) => flags['from'] === undefined)
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(sources).to.include('package.json');
    for (const source of [...sources, '.dockerignore', 'deployments/docker/Dockerfile'])
      expect(
        paths.some((pattern) => covers(pattern, source)),
        source,
      ).to.equal(true);
  });

  it('publishes only a commit of main whose CI is green', () => {
    const { green } = images.jobs;
    expect(publish?.needs).to.include('green');
    expect(publish?.if).to.equal("github.event_name == 'push'");
    expect(green?.if).to.equal(publish?.if);
    expect(green?.permissions).to.deep.equal({ contents: 'read', actions: 'read' });
    expect(green?.steps?.map(({ run }) => run)).to.include('node scripts/await-ci.mjs');
    expect(green?.steps?.[0]?.with?.['fetch-depth']).to.equal(0);
  });

  it('waits for CI no longer than its job may take', () => {
    const { green } = images.jobs;
    const seconds = Number(green?.steps?.find(({ run }) => run !== undefined)?.env?.['WAIT_SECONDS']);
    expect(seconds).to.be.within(60, 60 * (green?.['timeout-minutes'] ?? 0) - 300);
  });

  it('waits for a result that no newer commit of main takes away', () => {
    for (const name of ['ci', 'codeql'])
      expect(workflow(name).concurrency?.group).to.include(
        "github.event_name == 'pull_request' && github.ref || github.sha",
      );
  });

  it('takes a version for what it is: a beginning is no release, nor latest', () => {
    expect(images.on['push']).to.deep.equal({ branches: ['main'], tags: ['v[0-9]+.[0-9]+.[0-9]+'] });
  });

  it('gives a tag only to what was scanned, signed and attested', () => {
    const steps = publish?.steps ?? [];
    const place = (text: string) => steps.findIndex((step) => JSON.stringify(step).includes(text));
    const order = [
      'push-by-digest=true',
      'PLATFORM":"linux/amd64',
      'PLATFORM":"linux/arm64',
      'cosign sign',
      'actions/attest@',
      'sbom-path',
    ];
    const places = order.map(place);
    expect(places).not.to.include(-1);
    expect(places).to.deep.equal(places.toSorted((a, b) => a - b));
    expect(images.jobs['tag']?.needs).to.equal('publish');
    expect(images.jobs['deploy']?.needs).to.equal('tag');
  });

  it('fails on high and critical vulnerabilities that have a fix', () => {
    const failing = allSteps().filter(({ step }) => step.with?.['exit-code'] === '1');
    expect(failing).to.have.length(5);
    for (const { title, step } of failing)
      expect([step.with?.['severity'], step.with?.['ignore-unfixed']], title).to.deep.equal([
        'HIGH,CRITICAL',
        true,
      ]);
  });

  it('takes nothing from caches, which pull requests can write, into what is published', () => {
    const steps = publish?.steps ?? [];
    expect(JSON.stringify(steps)).not.to.include('cache-from');
    const trivy = steps.filter(({ uses }) => uses?.includes('trivy-action'));
    for (const { with: inputs } of trivy) expect(inputs?.['cache']).to.equal('false');
  });
});

/** Whether a path filter takes a file, or what is in a folder. */
function covers(pattern: string, source: string): boolean {
  const text = pattern
    .replaceAll('.', '[.]')
    .replaceAll(/[*]+/g, (stars) => (stars === '*' ? '[^/]*' : '.*'));
  const filter = new RegExp(`^${text}$`);
  return filter.test(source) || filter.test(`${source}/file`);
}
