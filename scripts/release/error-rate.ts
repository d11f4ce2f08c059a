import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import { countedCalls, faultStatuses } from '../objectives.js';

/** Two scrapes at least. */
const leastWindowSeconds = 60;

export interface ErrorRate {
  readonly calls: number;
  readonly failed: number;
}

/** Answers an instant query with one number, undefined when there is no series. */
export type Prometheus = (query: string) => Promise<number | undefined>;

/** @throws DeployError when Prometheus does not answer */
export async function readErrorRate(prometheus: Prometheus, sinceMs: number): Promise<ErrorRate> {
  const seconds = Math.max(leastWindowSeconds, Math.ceil((Date.now() - sinceMs) / 1000));
  const count = (labels: string): Promise<number | undefined> =>
    prometheus(`sum(increase(requests_total{${labels}}[${seconds}s]))`);
  const calls = (await count(countedCalls)) ?? 0;
  const failed = (await count(`${countedCalls}, status=~"${faultStatuses}"`)) ?? 0;
  return { calls, failed };
}

interface Sample {
  readonly value: readonly [number, string];
}

/** Asks a Prometheus that can be reached from here. */
export function prometheusAt(url: string): Prometheus {
  return async (query) => {
    const address = new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`);
    address.searchParams.set('query', query);
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) }).catch((error: unknown) => {
      throw new DeployError(`Prometheus does not answer at ${url}: ${(error as Error).message}`);
    });
    if (!answer.ok) throw new DeployError(`Prometheus at ${url} answers ${answer.status}`);
    const { data } = (await answer.json()) as { readonly data: { readonly result: readonly Sample[] } };
    return numberIn(data.result);
  };
}

/** Asks in the pod of Prometheus: its network policy lets nobody else in. */
export function prometheusInCluster(kubectl: Kubectl, namespace: string): Prometheus {
  const inPod = ['exec', 'statefulset/prometheus', '-n', namespace, '-c', 'prometheus', '--'];
  return (query) => {
    const ask = ['promtool', 'query', 'instant', '--format=json', 'http://localhost:9090', query];
    const { code, stdout, stderr } = kubectl.try([...inPod, ...ask]);
    if (code !== 0) throw new DeployError(`Prometheus does not answer: ${stderr.trim()}`);
    return Promise.resolve(numberIn(JSON.parse(stdout) as readonly Sample[]));
  };
}

function numberIn(result: readonly Sample[]): number | undefined {
  const text = result[0]?.value[1];
  return text === undefined ? undefined : Number(text);
}
