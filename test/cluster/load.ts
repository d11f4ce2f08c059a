import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { eventually } from '../system/dev-process.js';
import type { Cluster } from './cluster.js';
import { kubeconfig } from './programs.js';

export interface Load {
  /** Waits until its callers have connected anew and worked on: they have met whatever was there before the call. */
  meet(): Promise<void>;
  /** Ends it, and tells what became of its calls and orders. */
  end(): Promise<Ended>;
}

export interface Ended {
  readonly answered: number;
  /** One line for each call that failed. */
  readonly failed: readonly string[];
  /** Orders that were acknowledged, by what became of them. */
  readonly orders: Readonly<Record<string, number>>;
  /** Ids of those that are not at rest. */
  readonly unfinished: readonly string[];
}

const namespace = 'order-processing';
const startMs = 60_000;
const meetMs = 90_000;
const pollMs = 1000;
/** Those of its callers that connect anew now and then. */
const renewing = [1, 3];

/** Callers that order, one after another, from a pod beside the services. */
export async function startLoad(cluster: Cluster, name: string): Promise<Load> {
  const { machine, kubectl } = cluster;
  const text = [scriptOf(name), podOf(name)].map((one) => `---\n${stringify(one)}`).join('');
  await machine.must(`kubectl apply --filename - <<'END'\n${text}\nEND\n`, {
    KUBECONFIG: kubeconfig,
  });
  const log = () => kubectl(`--namespace ${namespace} logs ${name}`);
  const hasStarted = async (): Promise<boolean> => (await log().catch(() => '')).includes('started');
  await eventually('the load has started', hasStarted, startMs);
  /** How often each caller has worked over a new connection. */
  const connections = async (): Promise<number[]> => {
    const lines = (await log()).split('\n');
    return renewing.map((number) => lines.filter((line) => line === `connected anew: ${number}`).length);
  };
  return {
    meet: async () => {
      const before = await connections();
      const hasMet = async (): Promise<boolean> => {
        await delay(pollMs);
        // The first of them may have been made before.
        return (await connections()).every((count, index) => count >= (before[index] ?? 0) + 2);
      };
      await eventually('the callers connect anew', hasMet, meetMs);
    },
    end: async () => {
      // Not deleted: its log is asked for.
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
    data: { 'load.mjs': readFileSync('test/cluster/load.mjs', 'utf8') },
  };
}

/** With the labels of test-client, which may call every service. */
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
