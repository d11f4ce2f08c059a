import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAuthority, issue } from '../../scripts/dev-certs/certificates.js';
import { eventually } from '../system/dev-process.js';
import type { ControlPlane } from './control-plane.js';
import type { ApiPod } from './kubelet.js';

/** What autoscalers are told from now on, by the name of a service. */
export interface PlayedMetrics {
  /** CPU and memory of each pod of a service. */
  usage: (service: string) => Readonly<Record<'cpu' | 'memory', string>>;
  /** An external metric of a service. */
  external: (metric: string, service: string) => number;
  close(): Promise<void>;
}

type Told = Pick<PlayedMetrics, 'usage' | 'external'>;

const groups = ['metrics.k8s.io', 'external.metrics.k8s.io'] as const;
const nameLabel = 'app.kubernetes.io/name';

/** Plays metrics-server and an adapter for external metrics: aggregated APIs, as those are. */
export async function playMetrics(cluster: ControlPlane): Promise<PlayedMetrics> {
  const told: Told = {
    usage: () => ({ cpu: '1m', memory: '1Mi' }),
    external: () => 0,
  };
  const server = await serve(async (place) => answerTo(cluster, told, new URL(place, 'https://localhost')));
  const { port } = server.address() as AddressInfo;
  cluster.kubectl(['create', '-f', '-'], JSON.stringify(serviceAt(port)));
  for (const group of groups) cluster.kubectl(['create', '-f', '-'], JSON.stringify(apiService(group, port)));
  await eventually('the API server has the metrics', () => isAvailable(cluster), 60_000);
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return Object.assign(told, { close });
}

async function serve(answer: (place: string) => Promise<object>): Promise<Server> {
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const authority = await createAuthority('metrics', validity);
  const server = createServer(
    await issue(authority, { ...validity, dns: ['localhost'] }),
    (request, response) => {
      const reply = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      answer(request.url ?? '/').then(
        (body) => reply(200, body),
        (error: unknown) => reply(500, { kind: 'Status', message: String(error) }),
      );
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function serviceAt(port: number): object {
  const spec = { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'metrics', namespace: 'default' }, spec };
}

function apiService(group: string, port: number): object {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `v1beta1.${group}` },
    spec: {
      group,
      version: 'v1beta1',
      service: { name: 'metrics', namespace: 'default', port },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  };
}

async function isAvailable({ call }: ControlPlane): Promise<boolean> {
  const answers = await Promise.all(groups.map((group) => call('GET', `/apis/${group}/v1beta1`)));
  return answers.every((answer) => (answer as { kind?: string }).kind === 'APIResourceList');
}

/** `/apis/<group>/v1beta1/namespaces/<namespace>/<what>`, where what is `pods` or the name of a metric. */
async function answerTo(
  { call }: ControlPlane,
  told: Told,
  { pathname, search, searchParams }: URL,
): Promise<object> {
  const [, , group, , , namespace, what] = pathname.split('/');
  const apiVersion = `${group}/v1beta1`;
  if (what === undefined)
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: [] };
  const timestamp = new Date().toISOString();
  if (group === 'external.metrics.k8s.io') {
    const service = /^service=(.+)$/.exec(searchParams.get('labelSelector') ?? '')?.[1] ?? '';
    const item = {
      metricName: what,
      metricLabels: { service },
      timestamp,
      value: String(told.external(what, service)),
    };
    return { kind: 'ExternalMetricValueList', apiVersion, metadata: {}, items: [item] };
  }
  const { items } = (await call('GET', `/api/v1/namespaces/${namespace}/pods${search}`)) as {
    readonly items: ApiPod[];
  };
  return {
    kind: 'PodMetricsList',
    apiVersion,
    metadata: {},
    items: items.map(({ metadata: { name, labels }, spec }) => ({
      metadata: { name, namespace, labels },
      timestamp,
      window: '15s',
      containers: spec.containers.map((one) => ({
        name: one.name,
        usage: told.usage(labels[nameLabel] ?? ''),
      })),
    })),
  };
}
