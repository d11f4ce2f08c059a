import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { suites } from '../../scripts/deployment-tools/suites.js';
import { describeWith } from '../deployments/tools.js';
import { eventually } from '../system/dev-process.js';
import { startCluster, type Cluster } from './cluster.js';
import { imageFiles } from '../containers/image-files.js';
import { bringImages, tagImages } from './images.js';
import { startLoad } from './load.js';

const inNamespace = '--namespace order-processing';
/** For metrics-server, the autoscaler and a new pod, each of which takes its time. */
const peakMs = 240_000;
/** An autoscaler takes back only after five minutes what it has given in vain. */
const quietMs = 480_000;
const pollMs = 1000;
/** Whether the autoscaler has figures, and how many replicas it wants. */
const scalerState = `'jsonpath={.status.conditions[?(@.type=="ScalingActive")].status} {.status.desiredReplicas}'`;
const services = ['order-service', 'inventory-service', 'payment-service', 'catalog-service'];

describeWith(suites.cluster, 'a cluster whose pods run', () => {
  let cluster: Cluster;
  let standIns: readonly string[];

  before(async () => {
    cluster = await startCluster(imageFiles());
    standIns = await bringImages(cluster.machine);
  });

  after(() => cluster?.stop());

  /** A target of the Makefile that must succeed; returns what it said. */
  const make = async (target: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { code, output } = await cluster.make(target, { OVERLAY: 'dev', LOGS: '0', ...env });
    expect(code, output).to.equal(0);
    return output;
  };

  it('gets the whole system from make deploy-k8s, every pod ready', async () => {
    const said = await make('deploy-k8s');
    expect(said).to.include('dev is deployed');
    const phases = await cluster.kubectl(
      `${inNamespace} get pods --output 'jsonpath={range .items[*]}{.status.phase} {.status.containerStatuses[0].restartCount}{"\\n"}{end}'`,
    );
    const kinds = new Set(phases.trim().split('\n'));
    expect([...kinds].toSorted()).to.deep.equal(['Running 0', 'Succeeded 0']);
  });

  it('adds a replica when processors are busy, and calls reach it', async () => {
    const isQuiet = async (): Promise<boolean> => {
      await delay(pollMs);
      const scaler = await cluster.kubectl(`${inNamespace} get hpa order-service --output ${scalerState}`);
      return scaler === 'True 1';
    };
    await eventually('one replica is enough', isQuiet, quietMs);
    const before = await rescaled(cluster);
    const [first] = await podsOf(cluster, 'service', 'order-service');
    const load = await startLoad(cluster, 'load-of-a-peak');
    const isServed = async (): Promise<boolean> => {
      await delay(pollMs);
      const others = (await podsOf(cluster, 'service', 'order-service')).filter((pod) => pod !== first);
      const served = await Promise.all(others.map((pod) => ordersServedBy(cluster, pod)));
      return served.some((count) => count > 0);
    };
    await eventually('another replica takes orders', isServed, peakMs);
    const { failed, orders } = await load.end();
    expect(failed).to.deep.equal([]);
    expect(Object.keys(orders)).to.deep.equal(['CONFIRMED']);
    const after = await rescaled(cluster);
    expect(after).to.match(/New size: 2; reason: cpu resource utilization .* above target/);
    expect(after).not.to.equal(before);
  });

  it('passes the smoke test', async () => {
    expect(await make('k8s-smoke-test')).to.match(/^\d+ passed, 0 failed, 1 skipped$/m);
  });

  it('shows itself: Prometheus reaches every target', async () => {
    let down: string[] = [];
    const reachesAll = async (): Promise<boolean> => {
      down = await targetsDown(cluster, standIns);
      return down.length === 0;
    };
    await eventually('every target is up', reachesAll, 60_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${down.join('\n')}`, { cause: error });
    });
  });

  it('answers every call while a release replaces every service', async () => {
    await tagImages(cluster.machine, 'next');
    const load = await startLoad(cluster, 'load-of-a-release');
    const old = (await podsOf(cluster, 'service')).join(' ');
    await make('deploy-k8s', { IMAGE_TAG: 'next' });
    // They serve on for a while when the release is done; calls could break only at their end.
    await cluster.kubectl(`${inNamespace} wait --for=delete ${old} --timeout=120s`);
    await load.meet();
    const { answered, failed, orders } = await load.end();
    expect(failed).to.deep.equal([]);
    expect(answered).to.be.greaterThan(100);
    expect(Object.keys(orders)).to.deep.equal(['CONFIRMED']);
  });

  it('loses no order when pods are killed in the middle of it', async () => {
    const load = await startLoad(cluster, 'load-of-deaths');
    for (const name of services) {
      const pods = `pods --selector app.kubernetes.io/name=${name},app.kubernetes.io/component=service`;
      await cluster.kubectl(`${inNamespace} delete ${pods} --grace-period=0 --force`);
      await cluster.kubectl(`${inNamespace} rollout status deployment/${name} --timeout=120s`);
    }
    const { orders, unfinished } = await load.end();
    expect(unfinished).to.deep.equal([]);
    expect(orders).to.include.keys('CONFIRMED');
  });

  it('is empty again after make undeploy-k8s', async () => {
    await make('undeploy-k8s');
    const left = await cluster.kubectl('get namespaces --output name');
    expect(left).not.to.include('order-processing');
  });
});

/** Pods that are part of the system as `component`, of one service or of all: `pod/<name>`. */
async function podsOf({ kubectl }: Cluster, component: string, name?: string): Promise<string[]> {
  const labels = [`app.kubernetes.io/component=${component}`];
  if (name !== undefined) labels.push(`app.kubernetes.io/name=${name}`);
  const found = await kubectl(`${inNamespace} get pods --selector ${labels.join(',')} --output name`);
  return found.trim().split('\n');
}

/** What the autoscaler of the order service has done, and how often. */
async function rescaled({ kubectl }: Cluster): Promise<string> {
  const events = 'events --field-selector reason=SuccessfulRescale,involvedObject.name=order-service';
  return kubectl(
    `${inNamespace} get ${events} --output 'jsonpath={range .items[*]}{.count} {.message}{"\\n"}{end}'`,
  );
}

/** Orders that a pod has accepted; none as long as it does not answer. */
async function ordersServedBy({ kubectl }: Cluster, pod: string): Promise<number> {
  const place = `/api/v1/namespaces/order-processing/${pod.replace('pod/', 'pods/')}:9464/proxy/metrics`;
  const metrics = await kubectl(`get --raw ${place}`).catch(() => '');
  const line = /^requests_total\{.*method="order\.v1\.OrderService\/CreateOrder",status="OK".*\} (\d+)$/m;
  return Number(line.exec(metrics)?.[1] ?? 0);
}

async function targetsDown({ kubectl }: Cluster, standIns: readonly string[]): Promise<string[]> {
  const proxy = '/api/v1/namespaces/order-processing/pods/prometheus-0:9090/proxy';
  const { data } = JSON.parse(await kubectl(`get --raw '${proxy}/api/v1/targets?state=active'`)) as {
    readonly data: { readonly activeTargets: readonly Target[] };
  };
  // What stands in for Grafana has no metrics.
  const hasGrafana = !standIns.some((image) => image.startsWith('grafana/grafana:'));
  return data.activeTargets
    .filter(({ health, labels }) => health !== 'up' && (hasGrafana || labels.job !== 'grafana'))
    .map(({ scrapeUrl, lastError }) => `${scrapeUrl}: ${lastError}`);
}

interface Target {
  readonly scrapeUrl: string;
  readonly health: string;
  readonly lastError: string;
  readonly labels: { readonly job: string };
}
