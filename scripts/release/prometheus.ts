import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import { countedCalls, faultStatuses } from '../objectives.js';

/** Shortest time range of a query. `increase` needs at least two scrapes in the range. */
const minWindowSeconds = 60;

export interface ErrorRate {
  readonly calls: number;
  readonly failed: number;
}

/**
 * Runs an instant query. Returns the value of the first series, or undefined when the result has no series.
 * @throws DeployError when Prometheus does not answer
 */
export type Prometheus = (query: string) => Promise<number | undefined>;

/** Counts the calls since `sinceMs` that the availability objective covers, and how many of them failed. */
export async function readErrorRate(prometheus: Prometheus, sinceMs: number): Promise<ErrorRate> {
  const seconds = Math.max(minWindowSeconds, Math.ceil((Date.now() - sinceMs) / 1000));
  const count = async (labels: string): Promise<number> =>
    (await prometheus(`sum(increase(requests_total{${labels}}[${seconds}s]))`)) ?? 0;
  return {
    calls: await count(countedCalls),
    failed: await count(`${countedCalls}, status=~"${faultStatuses}"`),
  };
}

type Samples = readonly { readonly value: readonly [number, string] }[];

export function prometheusAt(url: string): Prometheus {
  return async (query) => {
    const address = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`);
    address.searchParams.set('query', query);
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) }).catch((error: unknown) => {
      throw new DeployError(`Prometheus does not answer at ${url}: ${(error as Error).message}`);
    });
    if (!answer.ok) throw new DeployError(`Prometheus at ${url} answers ${answer.status}`);
    const { data } = (await answer.json()) as { readonly data: { readonly result: Samples } };
    return firstNumber(data.result);
  };
}

/** Runs promtool in the pod of Prometheus, because the network policy lets only Grafana connect to Prometheus. */
export function prometheusInCluster(kubectl: Kubectl, namespace: string): Prometheus {
  const inPod = ['exec', 'statefulset/prometheus', '-n', namespace, '-c', 'prometheus', '--'];
  return (query) => {
    const promtool = ['promtool', 'query', 'instant', '--format=json', 'http://localhost:9090', query];
    const { code, stdout, stderr } = kubectl.try([...inPod, ...promtool]);
    if (code !== 0) throw new DeployError(`Prometheus does not answer: ${stderr.trim()}`);
    return Promise.resolve(firstNumber(JSON.parse(stdout) as Samples));
  };
}

function firstNumber(result: Samples): number | undefined {
  const text = result[0]?.value[1];
  return text === undefined ? undefined : Number(text);
}
