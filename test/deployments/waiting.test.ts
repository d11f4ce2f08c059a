import { expect } from 'chai';
import { namespace } from '../../scripts/deploy-k8s/deploy.js';
import { DeployError, Kubectl } from '../../scripts/deploy-k8s/kubectl.js';
import { waitForJob, waitForRollout } from '../../scripts/deploy-k8s/waiting.js';
import { deployment, fakeCluster, type FakeCluster } from './fake-cluster.js';

const service = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'order-service' } };
const underWay = { replicas: 6, updatedReplicas: 1, availableReplicas: 5 };

function aPod(status: object) {
  const containers = [{ name: 'service', image: 'order-service:v2' }];
  return { kind: 'Pod', metadata: { name: 'order-service-1' }, spec: { containers }, status };
}

const waits = (state: object, more: object = {}) =>
  aPod({ containerStatuses: [{ name: 'service', state: { waiting: state }, ...more }] });
const crashes = waits(
  { reason: 'CrashLoopBackOff' },
  { restartCount: 4, lastState: { terminated: { exitCode: 1, reason: 'Error' } } },
);

describe('waiting for a rollout', () => {
  let cluster: FakeCluster;
  let said: string[];

  beforeEach(() => {
    cluster = fakeCluster();
    said = [];
    inCluster('deployment-order-service.json', deployment('order-service', 'v2', underWay));
  });
  afterEach(() => cluster.remove());

  const inCluster = (file: string, content: unknown): void => cluster.answer('before', file, content);
  const pods = (...items: object[]): void => inCluster('rollout-pods.json', { items });
  const waiting = (timeoutMs = 60_000, say = (text: string): void => void said.push(text)) => ({
    kubectl: new Kubectl(cluster.env),
    namespace,
    timeoutMs,
    say,
  });
  const rollout = (how = waiting()) => reasonOf(waitForRollout(how, service));

  it('says how far it is', async () => {
    await rollout(
      waiting(60_000, (text) => {
        said.push(text);
        if (text.includes('1 of 5'))
          inCluster('deployment-order-service.json', deployment('order-service', 'v2'));
      }),
    );
    expect(said).to.deep.equal([
      'Deployment order-service: 1 of 5 pods are new',
      'Deployment order-service is rolled out',
    ]);
  });

  it('ends when a container ends again and again, and shows what it said last', async () => {
    pods(crashes);
    const reason = await rollout();
    expect(reason)
      .to.include('order-service-1: service ends again and again (CrashLoopBackOff)')
      .and.to.include('4 restarts, last with exit code 1 (Error)')
      .and.to.include('what it said last')
      .and.to.include(`kubectl -n ${namespace} logs order-service-1 -c service --previous`);
  });

  it('ends when an image cannot be had, and shows what the cluster says', async () => {
    pods(waits({ reason: 'ErrImagePull', message: 'not found' }));
    const reason = await rollout();
    expect(reason)
      .to.include('the image order-service:v2 cannot be had (ErrImagePull)\nnot found')
      .and.to.include(`kubectl -n ${namespace} describe pod order-service-1`);
  });

  it('goes on when what looked hopeless has passed', async () => {
    pods(waits({ reason: 'CreateContainerConfigError', message: 'secret "x" not found' }));
    const mend = (text: string): void => {
      if (!text.includes('CreateContainerConfigError')) return;
      said.push(text);
      inCluster('deployment-order-service.json', deployment('order-service', 'v2'));
    };
    expect(await rollout(waiting(60_000, mend))).to.equal('');
    expect(said).to.have.length(1);
  });

  it('ends when the deadline of the Deployment has passed, and names a pod that is not ready', async () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
    const stuck = deployment('order-service', 'v2', underWay);
    inCluster('deployment-order-service.json', {
      ...stuck,
      spec: { ...stuck.spec, progressDeadlineSeconds: 300 },
      status: { ...stuck.status, conditions },
    });
    pods(aPod({ conditions: [{ type: 'Ready', status: 'False' }] }));
    expect(await rollout())
      .to.include('nothing got better for 300 s (ProgressDeadlineExceeded)')
      .and.to.include('pod order-service-1 is not ready')
      .and.to.include('what it says');
  });

  it('says that a pod finds no node, and waits on until the limit', async () => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' };
    pods(aPod({ conditions: [condition] }));
    expect(await rollout(waiting(1500))).to.include('waited 1.5 s for Deployment order-service: 1 of 5');
    expect(said.filter((text) => text.includes('finds no node (Unschedulable): no room'))).to.have.length(1);
  });

  it('for a Job ends when it has failed, with the end of its log', async () => {
    const failed = { type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' };
    inCluster('job-order-service-migration.json', { status: { failed: 7, conditions: [failed] } });
    const ended = { name: 'service', state: { terminated: { exitCode: 1, reason: 'Error' } } };
    inCluster('job-pods.json', { items: [aPod({ phase: 'Failed', containerStatuses: [ended] })] });
    expect(await reasonOf(waitForJob(waiting(), 'order-service-migration')))
      .to.include('Job order-service-migration failed: BackoffLimitExceeded')
      .and.to.include('order-service-1: service has failed with exit code 1 (Error)')
      .and.to.include('what it says');
  });

  it('for a Job ends after some attempts, even if it allows more', async () => {
    inCluster('job-order-service-migration.json', { status: { failed: 3 } });
    expect(await reasonOf(waitForJob(waiting(), 'order-service-migration'))).to.include('failed: 3 attempts');
  });
});

/** Why it was given up; empty when it was not. */
async function reasonOf(work: Promise<void>): Promise<string> {
  try {
    await work;
    return '';
  } catch (error) {
    if (error instanceof DeployError) return error.message;
    throw error;
  }
}
