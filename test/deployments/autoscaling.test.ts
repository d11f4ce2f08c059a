import { expect } from 'chai';
import { every } from '../../pkg/runtime/wait.js';
import { eventually } from '../system/dev-process.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { addCertManager, namespace } from './installation.js';
import { playKubelet, type Kubelet } from './kubelet.js';
import { render } from './manifests.js';
import { playMetrics, type PlayedMetrics } from './metrics-api.js';
import { kustomizeAnd, runScript } from './scripts.js';
import type { ServiceName } from './system.js';
import { describeWith } from './tools.js';

const controllers = [
  '--horizontal-pod-autoscaler-sync-period=1s',
  '--horizontal-pod-autoscaler-cpu-initialization-period=0s',
  '--horizontal-pod-autoscaler-initial-readiness-delay=0s',
];
const idle = { cpu: '1m', memory: '1Mi' };
const needs = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

interface Autoscaler {
  readonly spec: { readonly minReplicas: number; readonly maxReplicas: number };
  readonly status: {
    readonly currentReplicas: number;
    readonly conditions: readonly { readonly type: string; readonly reason: string }[];
  };
}

describeWith(needs, 'autoscaling', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;
  let metrics: PlayedMetrics;

  before(async () => {
    cluster = await startControlPlane(controllers);
    addCertManager(cluster);
    kubelet = playKubelet(cluster, namespace);
    metrics = await playMetrics(cluster);
  });
  after(async () => {
    await metrics?.close();
    await kubelet?.close();
    await cluster?.stop();
  });

  const read = (name: ServiceName): Autoscaler =>
    JSON.parse(cluster.kubectl(['get', 'hpa', name, '-n', namespace, '-o', 'json'])) as Autoscaler;
  /** Why the autoscaler decided as it did. */
  const reasons = (name: ServiceName): string[] =>
    (read(name).status?.conditions ?? []).map(({ reason }) => reason);
  const replicas = (name: ServiceName): number =>
    Number(cluster.kubectl(['get', 'deployment', name, '-n', namespace, '-o', 'jsonpath={.spec.replicas}']));
  const until = (what: string, condition: () => boolean) => eventually(what, condition, 120_000);
  const deploy = async (env: Record<string, string>): Promise<void> => {
    const { code, output } = await runScript(cluster, ['deploy-k8s', 'deploy'], { LOGS: '0', ...env });
    expect(code, output).to.equal(0);
  };
  const load = (busy: ServiceName, usage: { cpu: string; memory: string }): void => {
    metrics.usage = (service) => (service === busy ? usage : idle);
  };

  /** Writes down how many replicas there are to be, until it is closed. */
  const observe = (name: ServiceName): { close(): Promise<number[]> } => {
    const seen = [replicas(name)];
    const look = async (): Promise<void> => {
      const place = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
      const { spec } = (await cluster.call('GET', place)) as { readonly spec: { readonly replicas: number } };
      seen.push(spec.replicas);
    };
    const observer = every(200, look, () => undefined);
    return {
      close: async () => {
        await observer.close();
        await look();
        return seen;
      },
    };
  };

  describe('in dev', () => {
    before(() => deploy({}));

    it('leaves one replica of a service that has nothing to do', async () => {
      await until('the autoscaler is content', () => {
        const found = reasons('catalog-service');
        return found.includes('ValidMetricFound') && found.includes('DesiredWithinRange');
      });
      expect(replicas('catalog-service')).to.equal(1);
    });

    it('adds replicas when processors are busy, and no more than it may', async () => {
      load('order-service', { cpu: '4', memory: '1Mi' });
      await until('the autoscaler is at its most', () =>
        reasons('order-service').includes('TooManyReplicas'),
      );
      expect(replicas('order-service')).to.equal(read('order-service').spec.maxReplicas).and.to.equal(2);
    });

    it('adds replicas when memory is full', async () => {
      load('payment-service', { cpu: '1m', memory: '4Gi' });
      await until('there are two', () => replicas('payment-service') === 2);
    });
  });

  describe('in staging', () => {
    before(async () => {
      metrics.usage = () => idle;
      await deploy({ ...staging('1.0.0'), CONFIRM: 'dev' });
    });

    const staging = (tag: string) => ({
      OVERLAY: 'staging',
      IMAGE_TAG: tag,
      KUSTOMIZE: kustomizeAnd(cluster, 's#192.0.2.0/24#10.1.0.0/16#'),
    });

    it('keeps two replicas of a service that has nothing to do', async () => {
      await until('the autoscaler is at its least', () =>
        reasons('inventory-service').includes('TooFewReplicas'),
      );
      expect(replicas('inventory-service')).to.equal(2);
    });

    it('adds two at a time, however much there is to do', async () => {
      const observer = observe('order-service');
      load('order-service', { cpu: '4', memory: '1Mi' });
      await until('the autoscaler is held back', () => reasons('order-service').includes('ScaleUpLimit'));
      await until('there are four or more', () => replicas('order-service') >= 4);
      const seen = await observer.close();
      const steps = seen.map((now, index) => now - (seen[index - 1] ?? now));
      expect(Math.max(...steps), seen.join(' ')).to.be.within(1, 2);
    });

    it('takes none away as soon as it is quiet', async () => {
      const busy = replicas('order-service');
      metrics.usage = () => idle;
      await until('the autoscaler waits', () => reasons('order-service').includes('ScaleDownStabilized'));
      expect(replicas('order-service')).to.be.at.least(busy);
    });

    it('is not undone by the next deployment', async () => {
      const busy = replicas('order-service');
      expect(busy).to.be.above(read('order-service').spec.minReplicas);
      const observer = observe('order-service');
      await deploy(staging('1.0.1'));
      const seen = await observer.close();
      expect([...new Set(seen)]).to.deep.equal([busy]);
    });
  });

  describe('on calls in flight', () => {
    it('keeps as many replicas as the calls need, although processors are idle', async () => {
      const scalers = render('calls in flight').filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
      metrics.external = (metric, service) =>
        metric === 'calls_in_flight' && service === 'inventory-service' ? 40 : 0;
      cluster.kubectl(
        ['apply', '--server-side', '--field-manager=order-processing', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: scalers }),
      );
      // At most 16 each.
      await until('there are three', () => replicas('inventory-service') === 3);
      await until('the autoscaler is content', () =>
        reasons('inventory-service').includes('DesiredWithinRange'),
      );
      expect(replicas('inventory-service')).to.equal(3);
      expect(replicas('catalog-service')).to.equal(2);
    });
  });
});
