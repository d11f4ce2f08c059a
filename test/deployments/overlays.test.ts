import { expect } from 'chai';
import { deploy, deploymentFrom, namespace, smokeTest, undeploy } from '../../scripts/deploy-k8s/deploy.js';
import { DeployError } from '../../scripts/deploy-k8s/kubectl.js';
import { release } from '../../scripts/release/release.js';
import { releaseOptions } from '../../scripts/release/options.js';
import { fakeCluster, type FakeCluster } from './fake-cluster.js';

const quick = { WATCH_SECONDS: '0.05', TIMEOUT_SECONDS: '1' };

describe('the overlay of a cluster', () => {
  let cluster: FakeCluster;

  beforeEach(() => {
    cluster = fakeCluster();
  });
  afterEach(() => cluster.remove());

  const target = (env: Record<string, string> = {}) =>
    deploymentFrom({ ...cluster.env, ...quick, ...env }, () => undefined);
  const has = (overlay: string): void =>
    cluster.answer('before', 'overlay.json', { kind: 'ConfigMap', data: { overlay } });
  const releaseTo = (env: Record<string, string>) =>
    release({ deployment: target(env), options: releaseOptions(quick), keep: () => undefined });
  const record = /name: order-processing-deployment[^]*?overlay: (\w+)/;
  const changes = (): string[] => cluster.calls().filter((call) => / (apply|create|delete) /.test(call));

  it('is recorded before what it is made of is applied', async () => {
    await deploy(target({ OVERLAY: 'production' }));
    const applied = cluster.applied();
    expect(record.exec(applied)?.[1]).to.equal('production');
    expect(applied.search(record)).to.be.lessThan(applied.indexOf('kind: Job'));
  });

  it('is recorded by a release', async () => {
    expect(await releaseTo({ OVERLAY: 'staging' })).to.equal('released');
    expect(record.exec(cluster.applied())?.[1]).to.equal('staging');
  });

  const works = { deploy, 'the smoke test': smokeTest, 'a release': () => releaseTo({ OVERLAY: 'dev' }) };
  for (const [title, work] of Object.entries(works))
    it(`is not replaced by the default one: ${title}`, async () => {
      has('production');
      expect(await raised(() => work(target())))
        .to.include('the cluster has the overlay production, not dev')
        .and.to.include('CONFIRM=production');
      expect(changes()).to.deep.equal([]);
    });

  for (const [title, work] of Object.entries({
    'the smoke test': () => smokeTest(target({ OVERLAY: 'production' })),
    'a release with it': () =>
      release({
        deployment: target({ OVERLAY: 'production' }),
        options: releaseOptions({ ...quick, SMOKE_TEST: '1' }),
        keep: () => undefined,
      }),
  }))
    it(`is not played with when it is production: ${title}`, async () => {
      has('production');
      expect(await raised(work)).to.include('OVERLAY=staging');
      expect(changes()).to.deep.equal([]);
    });

  it('is replaced when it is named as the one that goes', async () => {
    has('staging');
    expect(await raised(() => deploy(target({ CONFIRM: 'production' })))).to.include('CONFIRM=staging');
    await deploy(target({ CONFIRM: 'staging' }));
    expect(record.exec(cluster.applied())?.[1]).to.equal('dev');
  });

  for (const recorded of ['production', 'staging'])
    it(`is not removed as dev when it is ${recorded}, whatever is confirmed`, async () => {
      has(recorded);
      for (const CONFIRM of ['', namespace, recorded])
        expect(await raised(() => undeploy(target({ CONFIRM })))).to.include(`OVERLAY=${recorded}`);
      expect(changes()).to.deep.equal([]);
    });

  for (const recorded of ['production', 'none'])
    it(`is removed as production only when that is confirmed; recorded is ${recorded}`, async () => {
      if (recorded !== 'none') has(recorded);
      const OVERLAY = 'production';
      expect(await raised(() => undeploy(target({ OVERLAY })))).to.include(`CONFIRM=${namespace}`);
      expect(changes()).to.deep.equal([]);
      undeploy(target({ OVERLAY, CONFIRM: namespace }));
      expect(changes().join('\n')).to.include(`delete namespace ${namespace} `);
    });

  for (const recorded of ['dev', 'none'])
    it(`is removed without a question when it is dev; recorded is ${recorded}`, () => {
      if (recorded !== 'none') has(recorded);
      undeploy(target());
      expect(changes().join('\n')).to.include(`delete namespace ${namespace} `);
    });

  for (const TIMEOUT_SECONDS of ['abc', 'Infinity', '-1'])
    it(`is not touched with a limit that is none: ${TIMEOUT_SECONDS}`, async () => {
      expect(await raised(() => deploy(target({ TIMEOUT_SECONDS })))).to.include(
        `TIMEOUT_SECONDS is ${TIMEOUT_SECONDS}: it must be a number`,
      );
      expect(changes()).to.deep.equal([]);
    });
});

async function raised(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeployError) return error.message;
    throw error;
  }
  throw new Error('nothing was raised');
}
