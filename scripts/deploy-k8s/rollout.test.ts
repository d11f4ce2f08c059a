import { expect } from 'chai';
import type { Pod } from './pod-problems.js';
import { awaitedPods, pendingOf, stuckBecause, type ReplicaSet, type Workload } from './rollout.js';

type Status = NonNullable<Workload['status']>;

const all = {
  observedGeneration: 4,
  replicas: 3,
  updatedReplicas: 3,
  availableReplicas: 3,
  readyReplicas: 3,
};

function aWorkload(kind: string, status: Status): Workload {
  return {
    kind,
    metadata: { name: 'order-service', generation: 4 },
    spec: { replicas: 3, progressDeadlineSeconds: 300 },
    status: { ...all, ...status },
  };
}

const aPod = (name: string, labels: Record<string, string>, status = {}): Pod => ({
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'service', image: 'image' }] },
  status,
});

const broken = {
  containerStatuses: [{ name: 'service', state: { waiting: { reason: 'ImagePullBackOff' } } }],
};

describe('a rollout of a Deployment', () => {
  const pending = (status: Status) => pendingOf(aWorkload('Deployment', status));

  it('is done when all pods are new and available', () => {
    expect(pending({})).to.equal(undefined);
  });

  it('is not judged by what was seen before the change', () => {
    expect(pending({ observedGeneration: 3 })).to.equal('the change is not taken up yet');
  });

  it('waits for new pods, then for old ones to go, then until the new ones are available', () => {
    expect(pending({ updatedReplicas: 1 })).to.equal('1 of 3 pods are new');
    expect(pending({ replicas: 4 })).to.equal('old pods are still there: 1');
    expect(pending({ availableReplicas: 2 })).to.equal('2 of 3 pods are available');
  });

  it('is stuck when the cluster says that its deadline has passed', () => {
    const condition = (reason: string) => ({ conditions: [{ type: 'Progressing', reason }] });
    const stuck = (reason: string) => stuckBecause(aWorkload('Deployment', condition(reason)), []);
    expect(stuck('ReplicaSetUpdated')).to.equal(undefined);
    expect(stuck('ProgressDeadlineExceeded')).to.include('300 s');
  });

  it('is not blamed for pods of older revisions, nor for those that go', () => {
    const replicaSet = (revision: string): ReplicaSet => ({
      kind: 'ReplicaSet',
      metadata: {
        labels: { 'pod-template-hash': `hash-${revision}` },
        annotations: { 'deployment.kubernetes.io/revision': revision },
      },
    });
    const hash = (revision: string) => ({ 'pod-template-hash': `hash-${revision}` });
    const leaving = {
      ...aPod('leaving', hash('10')),
      metadata: { name: 'leaving', deletionTimestamp: 'now' },
    };
    const found = [
      replicaSet('9'),
      replicaSet('10'),
      aPod('old', hash('9')),
      aPod('new', hash('10')),
      leaving,
    ];
    expect(awaitedPods(found).map(({ metadata }) => metadata.name)).to.deep.equal(['new']);
  });
});

describe('a rollout of a StatefulSet', () => {
  const revisions = { currentRevision: 'a', updateRevision: 'b' };

  it('is done when all pods are ready and of one revision', () => {
    expect(pendingOf(aWorkload('StatefulSet', { currentRevision: 'b', updateRevision: 'b' }))).to.equal(
      undefined,
    );
  });

  it('waits until pods are ready and new', () => {
    expect(pendingOf(aWorkload('StatefulSet', { readyReplicas: 2 }))).to.equal('2 of 3 pods are ready');
    const under = aWorkload('StatefulSet', { ...revisions, updatedReplicas: 1 });
    expect(pendingOf(under)).to.equal('1 of 3 pods are new');
  });

  it('is stuck behind a broken pod of the version before, which only a person takes away', () => {
    const set = aWorkload('StatefulSet', revisions);
    const old = { 'controller-revision-hash': 'a' };
    expect(stuckBecause(set, [aPod('postgres-0', old, broken)])).to.include('when you delete it');
    expect(stuckBecause(set, [aPod('postgres-0', old)])).to.equal(undefined);
    expect(stuckBecause(set, [aPod('postgres-0', { 'controller-revision-hash': 'b' }, broken)])).to.equal(
      undefined,
    );
  });
});
