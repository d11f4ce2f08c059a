import { expect } from 'chai';
import { lastFailureOf, problemOf, unreadiness, type Pod } from './pod-problems.js';

const aPod = (
  status: NonNullable<Pod['status']>,
  name = 'order-service-1',
  creationTimestamp = '1',
): Pod => ({
  kind: 'Pod',
  metadata: { name, creationTimestamp },
  spec: {
    initContainers: [{ name: 'prepare', image: 'prepare:1' }],
    containers: [{ name: 'service', image: 'order-service:2' }],
  },
  status,
});

const waiting = (reason: string, message = '') => ({ state: { waiting: { reason, message } } });
const waits = (reason: string) => aPod({ containerStatuses: [{ name: 'service', ...waiting(reason) }] });

describe('a pod', () => {
  it('that starts or runs has no problem', () => {
    expect(problemOf(waits('ContainerCreating'))).to.equal(undefined);
    expect(problemOf(waits('PodInitializing'))).to.equal(undefined);
    expect(problemOf(aPod({}))).to.equal(undefined);
  });

  for (const reason of ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'])
    it(`whose image cannot be had is told with the image: ${reason}`, () => {
      expect(problemOf(waits(reason))).to.deep.include({
        text: `pod order-service-1: the image order-service:2 cannot be had (${reason})`,
        hopeless: true,
      });
    });

  it('whose configuration is incomplete is told with what is missing', () => {
    const status = { name: 'service', ...waiting('CreateContainerConfigError', 'secret "x" not found') };
    expect(problemOf(aPod({ containerStatuses: [status] }))).to.deep.include({
      text: 'pod order-service-1: service cannot be set up (CreateContainerConfigError)',
      detail: 'secret "x" not found',
      hopeless: true,
    });
  });

  it('that crashes is given up after some restarts, and its log before the last one tells more', () => {
    const crashed = (restartCount: number) =>
      problemOf(
        aPod({
          containerStatuses: [
            {
              name: 'service',
              restartCount,
              ...waiting('CrashLoopBackOff'),
              lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
            },
          ],
        }),
      );
    expect(crashed(2)).to.have.property('hopeless', false);
    expect(crashed(3)).to.deep.include({ hopeless: true, log: { container: 'service', previous: true } });
    expect(crashed(3)?.text).to.include('3 restarts, last with exit code 137 (OOMKilled)');
  });

  it('whose first container crashes is told by that one', () => {
    const prepare = { name: 'prepare', restartCount: 5, ...waiting('CrashLoopBackOff') };
    const service = { name: 'service', ...waiting('PodInitializing') };
    const problem = problemOf(aPod({ initContainerStatuses: [prepare], containerStatuses: [service] }));
    expect(problem?.text).to.include('prepare ends again and again');
  });

  it('that finds no node is told, and not given up', () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    expect(problemOf(aPod({ conditions: [condition] }))).to.deep.include({
      text: `pod order-service-1 finds no node (Unschedulable): ${message}`,
      hopeless: false,
    });
  });

  it('of a Job that failed is the newest of those, with its exit code', () => {
    const failed = {
      phase: 'Failed',
      containerStatuses: [{ name: 'migration', state: { terminated: { exitCode: 3 } } }],
    };
    const pods = [
      aPod(failed, 'first', '2026-01-01'),
      aPod(failed, 'second', '2026-01-02'),
      aPod({}, 'third', '2026-01-03'),
    ];
    expect(lastFailureOf(pods)).to.deep.include({
      text: 'pod second: migration has failed with exit code 3',
      log: { container: 'migration', previous: false },
    });
    expect(lastFailureOf([aPod({ phase: 'Running' })])).to.equal(undefined);
  });

  it('that is merely not ready is named when there is nothing else to say', () => {
    const ready = aPod({ conditions: [{ type: 'Ready', status: 'True' }] }, 'ready');
    const running = aPod({ conditions: [{ type: 'Ready', status: 'False' }] }, 'running');
    expect(unreadiness([ready])).to.equal(undefined);
    expect(unreadiness([ready, running])).to.deep.include({
      text: 'pod running is not ready',
      log: { container: 'service', previous: false },
    });
    expect(unreadiness([waits('ContainerCreating')])).to.have.property(
      'text',
      'pod order-service-1 is not ready (ContainerCreating)',
    );
  });
});
