import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { waitFor } from '../../support/wait-for.js';
import type { Cluster } from './cluster.js';
import { kubeconfig } from './programs.js';

export interface Load {
  /** Waits until each reconnecting caller has looked up the services in DNS again and has opened new connections. */
  reconnected(): Promise<void>;
  end(): Promise<Ended>;
}

export interface Ended {
  readonly answered: number;
  /** One line for each of the first 100 calls that failed. */
  readonly failed: readonly string[];
  /** Number of acknowledged orders by their last state; `lost` counts the orders that could not be read. */
  readonly orders: Readonly<Record<string, number>>;
  /** Ids of the orders without a terminal state. */
  readonly unfinished: readonly string[];
}

const namespace = 'order-processing';
const startMs = 60_000;
const reconnectMs = 90_000;
const pollMs = 1000;
/** Numbers of the callers that reconnect every few seconds. */
const reconnecting = [1, 3];

/** Starts a pod in the namespace of the services. The callers in the pod place orders. */
export async function startLoad(cluster: Cluster, name: string): Promise<Load> {
  const { machine, kubectl } = cluster;
  const text = [scriptOf(name), podOf(name)].map((one) => `---\n${stringify(one)}`).join('');
  await machine.must(`kubectl apply --filename - <<'END'\n${text}\nEND\n`, {
    KUBECONFIG: kubeconfig,
  });
  const log = () => kubectl(`--namespace ${namespace} logs ${name}`);
  const poll = (condition: () => Promise<boolean>, what: string, timeoutMs: number) =>
    waitFor(condition, what, { timeoutMs, intervalMs: pollMs });
  const hasStarted = async (): Promise<boolean> => (await log().catch(() => '')).includes('started');
  await poll(hasStarted, 'start of the load', startMs);
  /** Returns the number of new connections of each caller in `reconnecting`. */
  const connections = async (): Promise<number[]> => {
    const lines = (await log()).split('\n');
    return reconnecting.map((number) => lines.filter((line) => line === `reconnected: ${number}`).length);
  };
  return {
    reconnected: async () => {
      const before = await connections();
      // The DNS lookup of the first new connection may be older than this call, so each caller must connect twice.
      const hasReconnected = async (): Promise<boolean> =>
        (await connections()).every((count, index) => count >= (before[index] ?? 0) + 2);
      await poll(hasReconnected, 'new connections of the callers', reconnectMs);
    },
    end: async () => {
      // A deletion of the pod would also delete its log, which has the result. The signal ends only the process.
      await kubectl(`--namespace ${namespace} exec ${name} -- node --eval 'process.kill(1, "SIGTERM")'`);
      await kubectl(
        `--namespace ${namespace} wait pod/${name} --for=jsonpath={.status.phase}=Succeeded --timeout=180s`,
      );
      return JSON.parse((await log()).trim().split('\n').at(-1) ?? '') as Ended;
    },
  };
}

function scriptOf(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: { 'load.mjs': readFileSync('test/lab/node/load.mjs', 'utf8') },
  };
}

/** The pod has the labels of test-client, because the NetworkPolicies let test-client call every service. */
function podOf(name: string): object {
  const ports = { order: 50051, inventory: 50052, payment: 50053, catalog: 50054 };
  const env = Object.entries(ports).map(([service, port]) => ({
    name: `${service.toUpperCase()}_SERVICE_ADDR`,
    value: `${service}-service:${port}`,
  }));
  const labels = { 'app.kubernetes.io/name': 'test-client', 'app.kubernetes.io/component': 'test-client' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'load',
          image: 'order-processing/test-client:dev',
          command: ['node', '/load/load.mjs'],
          env,
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'load', mountPath: '/load' }],
        },
      ],
      volumes: [{ name: 'load', configMap: { name } }],
    },
  };
}
