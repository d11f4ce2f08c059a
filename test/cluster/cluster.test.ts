import { expect } from 'chai';
import { imageFiles } from '../lab/machine/stand-ins.js';
import { startCluster, type Cluster } from '../lab/node/cluster.js';
import { bringImages, tagImages } from '../lab/node/images.js';
import { startLoad } from '../lab/node/load.js';
import { describeWith } from '../lab/requirements.js';
import { suites } from '../lab/tools/table.js';
import { waitFor } from '../support/wait-for.js';

const inNamespace = '--namespace order-processing';
/** Time limit for metrics-server, the autoscaler and the start of a new pod together. */
const scaleUpMs = 240_000;
/** Time limit for the removal of an idle replica. The autoscaler removes it after five minutes. */
const scaleDownMs = 480_000;
/** JSONPath of two values: whether the autoscaler has metrics, and the number of replicas that the autoscaler wants. */
const scalerState = `'jsonpath={.status.conditions[?(@.type=="ScalingActive")].status} {.status.desiredReplicas}'`;
const services = ['order-service', 'inventory-service', 'payment-service', 'catalog-service'];

describeWith(suites.cluster, 'a cluster with running pods', () => {
  let cluster: Cluster;
  let standIns: readonly string[];

  before(async () => {
    cluster = await startCluster(imageFiles());
    standIns = await bringImages(cluster.machine);
  });

  after(() => cluster?.stop());

  const poll = (condition: () => Promise<boolean>, what: string, timeoutMs: number) =>
    waitFor(condition, what, { timeoutMs, intervalMs: 1000 });

  /** Runs a target of the Makefile, asserts that the target succeeds, and returns the output. */
  const make = async (target: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { code, output } = await cluster.make(target, { OVERLAY: 'dev', LOGS: '0', ...env });
    expect(code, output).to.equal(0);
    return output;
  };

  it('has every pod running or completed, without a restart, after `make deploy-k8s`', async () => {
    expect(await make('deploy-k8s')).to.include('dev is deployed');
    const phases = await cluster.kubectl(
      `${inNamespace} get pods --output 'jsonpath={range .items[*]}{.status.phase} {.status.containerStatuses[0].restartCount}{"\\n"}{end}'`,
    );
    const kinds = new Set(phases.trim().split('\n'));
    expect([...kinds].toSorted()).to.deep.equal(['Running 0', 'Succeeded 0']);
  });

  it('adds a replica under CPU load, and the new replica accepts orders', async () => {
    const wantsOne = async (): Promise<boolean> =>
      (await cluster.kubectl(`${inNamespace} get hpa order-service --output ${scalerState}`)) === 'True 1';
    await poll(wantsOne, 'autoscaler that wants one replica', scaleDownMs);
    const before = await rescaled(cluster);
    const [first] = await podsOf(cluster, 'service', 'order-service');
    const load = await startLoad(cluster, 'load-of-a-peak');
    const isServed = async (): Promise<boolean> => {
      const others = (await podsOf(cluster, 'service', 'order-service')).filter((pod) => pod !== first);
      const served = await Promise.all(others.map((pod) => ordersServedBy(cluster, pod)));
      return served.some((count) => count > 0);
    };
    await poll(isServed, 'replica that accepts orders', scaleUpMs);
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

  it('lets Prometheus scrape every target', async () => {
    let down: string[] = [];
    const reachesAll = async (): Promise<boolean> => {
      down = await targetsDown(cluster, standIns);
      return down.length === 0;
    };
    await poll(reachesAll, 'Prometheus with every target up', 60_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${down.join('\n')}`, { cause: error });
    });
  });

  it('answers every call while a release replaces every service', async () => {
    await tagImages(cluster.machine, 'next');
    const load = await startLoad(cluster, 'load-of-a-release');
    const old = (await podsOf(cluster, 'service')).join(' ');
    await make('deploy-k8s', { IMAGE_TAG: 'next' });
    // Old pods still serve when `make deploy-k8s` ends. The load continues until these pods are gone, because calls
    // could fail when the pods stop.
    await cluster.kubectl(`${inNamespace} wait --for=delete ${old} --timeout=120s`);
    await load.reconnected();
    const { answered, failed, orders } = await load.end();
    expect(failed).to.deep.equal([]);
    expect(answered).to.be.greaterThan(100);
    expect(Object.keys(orders)).to.deep.equal(['CONFIRMED']);
  });

  it('loses no order when pods are killed under load', async () => {
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

  it('has no namespace of the system after `make undeploy-k8s`', async () => {
    await make('undeploy-k8s');
    const left = await cluster.kubectl('get namespaces --output name');
    expect(left).not.to.include('order-processing');
  });
});

/** Returns the pods of a component as `pod/<pod name>`. If `name` is given, returns only the pods of this service. */
async function podsOf({ kubectl }: Cluster, component: string, name?: string): Promise<string[]> {
  const labels = [`app.kubernetes.io/component=${component}`];
  if (name !== undefined) labels.push(`app.kubernetes.io/name=${name}`);
  const found = await kubectl(`${inNamespace} get pods --selector ${labels.join(',')} --output name`);
  return found.trim().split('\n');
}

/** Returns the count and the message of each SuccessfulRescale event of the order service's autoscaler. */
async function rescaled({ kubectl }: Cluster): Promise<string> {
  const events = 'events --field-selector reason=SuccessfulRescale,involvedObject.name=order-service';
  return kubectl(
    `${inNamespace} get ${events} --output 'jsonpath={range .items[*]}{.count} {.message}{"\\n"}{end}'`,
  );
}

/** Returns the number of orders that a pod has accepted, or 0 while the pod does not answer. */
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
  // The stand-in for Grafana serves no metrics, so its target is never up.
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
