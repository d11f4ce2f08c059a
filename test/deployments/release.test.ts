import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { deploymentFrom, namespace } from '../../scripts/deploy-k8s/deploy.js';
import { DeployError } from '../../scripts/deploy-k8s/kubectl.js';
import type { DeploymentObject } from '../../scripts/release/deployments.js';
import { countedCalls, faultStatuses } from '../../scripts/objectives.js';
import { releaseOptions } from '../../scripts/release/options.js';
import { writeRecord } from '../../scripts/release/record.js';
import { release, undo } from '../../scripts/release/release.js';
import { findVersion, rollBack } from '../../scripts/release/rollback.js';
import { deployment, fakeCluster, pod, template, type FakeCluster } from './fake-cluster.js';

const quick = { WATCH_SECONDS: '0.05', TIMEOUT_SECONDS: '1' };

describe('a release', () => {
  let cluster: FakeCluster;
  let said: string[];
  let kept: readonly DeploymentObject[];

  beforeEach(() => {
    cluster = fakeCluster();
    said = [];
    kept = [];
  });
  afterEach(() => cluster.remove());

  const say = (text: string): void => void said.push(text);
  const target = () => deploymentFrom(cluster.env, say);
  const options = (env = {}) => ({ ...releaseOptions({ ...quick, ...env }), pollMs: 5 });
  const run = (env = {}) =>
    release({ deployment: target(), options: options(env), keep: (before) => void (kept = before) });
  const restoredVersions = () =>
    cluster
      .restored()
      .map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec).match(/:(v\d)"/)?.[1]]);
  const bothBack = [
    ['order-service', 'v1'],
    ['payment-service', 'v1'],
  ];

  it('that goes well stays, and nothing is rolled back', async () => {
    expect(await run()).to.equal('released');
    expect(restoredVersions()).to.deep.equal([]);
    expect(said.join('\n')).to.include('every pod is ready; 0.00 % of 1000 calls failed');
  });

  it('migrates before it touches a Deployment', async () => {
    await run();
    const calls = cluster.calls();
    const migrated = calls.findIndex((call) => call.includes('get job order-service-migration'));
    expect(migrated).to.be.greaterThan(0);
    expect(migrated).to.be.lessThan(calls.findIndex((call) => call.startsWith('after')));
  });

  it('plays the scenarios of test-client when it is told to, and only then', async () => {
    await run();
    expect(cluster.calls().join('\n')).not.to.include('test-client');
    await run({ SMOKE_TEST: '1' });
    expect(cluster.calls().join('\n')).to.include('get job test-client');
  });

  it('whose rollout never finishes is rolled back', async () => {
    const waiting = { replicas: 6, updatedReplicas: 1, readyReplicas: 5 };
    cluster.answer('after', 'deployment-order-service.json', deployment('order-service', 'v2', waiting));
    cluster = { ...cluster, env: { ...cluster.env, TIMEOUT_SECONDS: '0.1' } };
    expect(await run()).to.equal('failed');
    expect(said.join('\n')).to.include('waited 0.1 s for Deployment order-service: 1 of 5 pods are new');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('with too many failed calls is rolled back', async () => {
    cluster.answer('after', 'failed.json', [{ value: [0, '11'] }]);
    expect(await run()).to.equal('failed');
    expect(said.join('\n')).to.include('1.10 % of 1000 calls failed, 1 % are allowed');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('with failed calls, but no more than allowed, stays', async () => {
    cluster.answer('after', 'failed.json', [{ value: [0, '10'] }]);
    expect(await run()).to.equal('released');
  });

  it('is not judged by a handful of calls, and says so', async () => {
    cluster.answer('after', 'calls.json', [{ value: [0, '3'] }]);
    cluster.answer('after', 'failed.json', [{ value: [0, '3'] }]);
    expect(await run()).to.equal('released');
    expect(said.join('\n')).to.include('3 calls, too few to judge by');
  });

  it('whose pods do not stay ready is rolled back', async () => {
    cluster.answer('after', 'pods.json', { items: [pod('order-service', { ready: false })] });
    expect(await run()).to.equal('failed');
    expect(said.join('\n')).to.include('pod order-service-1 does not become ready');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('whose pods are restarted is rolled back', async () => {
    cluster.answer('after', 'pods-next.json', { items: [pod('order-service', { restarts: 1 })] });
    expect(await run()).to.equal('failed');
    expect(said.join('\n')).to.include('pod order-service-1 was restarted');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('is not blamed for restarts that were before it', async () => {
    cluster.answer('after', 'pods.json', { items: [pod('order-service', { restarts: 3 })] });
    expect(await run()).to.equal('released');
  });

  it('whose smoke test fails is rolled back', async () => {
    const status = { conditions: [{ type: 'Failed', status: 'True', message: 'a scenario failed' }] };
    cluster.answer('after', 'job-test-client.json', { metadata: {}, spec: {}, status });
    expect(await run({ SMOKE_TEST: '1' })).to.equal('failed');
    expect(said.join('\n')).to.include('a scenario failed');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('that Prometheus can no longer be asked about is rolled back', async () => {
    cluster.fail('after', 'exec', 'pod not found');
    expect(await run()).to.equal('failed');
    expect(said.join('\n')).to.include('Prometheus does not answer: pod not found');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('is not given up because Prometheus did not answer once', async () => {
    cluster.failOnce('after', 'exec', 'connection reset');
    expect(await run()).to.equal('released');
  });

  it('whose migration fails touches no Deployment', async () => {
    const status = { conditions: [{ type: 'Failed', status: 'True', message: 'no disk' }] };
    cluster.answer('before', 'job-order-service-migration.json', { metadata: {}, spec: {}, status });
    expect(await run()).to.equal('failed');
    expect(restoredVersions()).to.deep.equal([]);
    expect(said.join('\n')).to.include('nothing to roll back');
  });

  it('whose rollback fails asks for a person, and brings back what it can', async () => {
    cluster.answer('after', 'failed.json', [{ value: [0, '500'] }]);
    cluster.fail('restored', 'rollout', 'exceeded its progress deadline');
    expect(await run()).to.equal('stuck');
    expect(said.join('\n'))
      .to.include('THE ROLLBACK FAILED')
      .and.to.include('exceeded its progress deadline');
    expect(restoredVersions()).to.deep.equal(bothBack);
  });

  it('that is the first of all cannot be rolled back, and says so', async () => {
    cluster.answer('before', 'deployments.json', { items: [] });
    cluster.fail('before', 'exec', 'there is no Prometheus yet');
    cluster.answer('after', 'failed.json', [{ value: [0, '500'] }]);
    expect(await run()).to.equal('stuck');
    expect(said.join('\n')).to.include('there is no version before of order-service, payment-service');
  });

  it('does not begin without a cluster', async () => {
    cluster.fail('before', 'get', 'connection refused');
    expect(await raised(run()))
      .to.include('no cluster answers')
      .and.to.include('connection refused');
    expect(cluster.calls().join('\n')).not.to.include('apply');
  });

  it('does not begin when it could not be watched', async () => {
    cluster.fail('before', 'exec', 'pod not found');
    expect(await raised(run())).to.include('Prometheus does not answer');
    expect(cluster.calls().join('\n')).not.to.include('apply');
  });

  it('that was interrupted is rolled back by what it kept', async () => {
    cluster.answer('after', 'deployments.json', {
      items: [deployment('order-service', 'v2'), deployment('payment-service', 'v1')],
    });
    await run();
    expect(await undo(target(), options(), kept)).to.equal('failed');
    expect(restoredVersions()).to.deep.equal([['order-service', 'v1']]);
  });

  it('leaves replicas to the autoscaler when it rolls back, and applies nothing that the cluster decides', async () => {
    cluster.answer('after', 'failed.json', [{ value: [0, '500'] }]);
    await run();
    const [restored] = cluster.restored();
    expect(Object.keys(restored?.metadata ?? {})).to.have.members(['name', 'namespace', 'labels']);
    expect(Object.keys(restored?.spec ?? {})).to.have.members(['selector', 'template']);
  });

  it('counts calls as the availability objective does', () => {
    const rules = readFileSync('deployments/docker/observability/prometheus/rules/slo.yaml', 'utf8');
    expect(rules).to.include(countedCalls);
    expect(rules).to.include(`status=~"${faultStatuses}"`);
  });

  it('refuses a setting that is no number', () => {
    expect(() => releaseOptions({ MAX_ERROR_RATIO: 'few' })).to.throw(DeployError, 'MAX_ERROR_RATIO is few');
  });

  const rollback = (env: Record<string, string>) =>
    spawnSync(process.execPath, ['--import=tsx', 'scripts/release/main.ts', 'rollback'], {
      env: { ...cluster.env, ...env },
      encoding: 'utf8',
    });
  const unusable: readonly (readonly [string, Record<string, string>, string])[] = [
    ['a file that is not there', { RELEASE_RECORD: '/nonexistent' }, 'RELEASE_RECORD is /nonexistent'],
    ['a file that no release wrote', { RELEASE_RECORD: 'package.json' }, 'no release wrote it'],
    ['a version and a file', { RELEASE_RECORD: 'package.json', TO: 'v1' }, 'one of them, not both'],
  ];
  for (const [title, env, message] of unusable)
    it(`is not rolled back by ${title}`, () => {
      const { status, stdout, stderr } = rollback(env);
      expect(status).to.equal(1);
      expect(stdout).to.equal('cluster: laptop\n');
      expect(stderr).to.include(message).and.not.to.include('    at ');
    });

  it('does not begin when what runs could not be kept', () => {
    expect(() => writeRecord('/nonexistent/file', [])).to.throw(
      DeployError,
      'RELEASE_RECORD is /nonexistent',
    );
  });

  describe('that turns out bad later', () => {
    const revisions = (versions: Record<string, string[]>) => ({
      items: Object.entries(versions).flatMap(([name, all]) =>
        all.map((version, index) => ({
          metadata: {
            annotations: { 'deployment.kubernetes.io/revision': String(index + 9) },
            ownerReferences: [{ name }],
          },
          spec: {
            template: {
              ...template(name, version),
              metadata: {
                labels: { ...template(name, version).metadata.labels, 'pod-template-hash': `hash${index}` },
              },
            },
          },
        })),
      ),
    });
    const how = () => ({ kubectl: target().kubectl, namespace, limitMs: 1000, say });

    it('is rolled back to any version that the cluster still has', async () => {
      cluster.answer(
        'before',
        'replicasets.json',
        revisions({ 'order-service': ['v0', 'v1'], 'payment-service': ['v0', 'v1'] }),
      );
      await rollBack(how(), findVersion(how(), 'v0'));
      expect(restoredVersions()).to.deep.equal([
        ['order-service', 'v0'],
        ['payment-service', 'v0'],
      ]);
      expect(JSON.stringify(cluster.restored())).not.to.include('pod-template-hash');
    });

    it('is not rolled back by half: every service must have had the version', () => {
      cluster.answer(
        'before',
        'replicasets.json',
        revisions({ 'order-service': ['v0'], 'payment-service': ['v1'] }),
      );
      expect(() => findVersion(how(), 'v0')).to.throw(
        DeployError,
        "no version 'v0' of payment-service: it knows v1",
      );
    });
  });
});

async function raised(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DeployError) return error.message;
    throw error;
  }
  throw new Error('nothing was raised');
}
