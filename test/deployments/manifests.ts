import { parseAllDocuments } from 'yaml';
import { fileOf, runTool } from '../lab/requirements.js';

type Amounts = Readonly<Record<'cpu' | 'memory', string>>;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly hostPath?: { readonly path: string };
  }[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  /** The fields depend on `kind`. */
  readonly spec: unknown;
}

export interface Workload {
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
}

export interface DeploymentSpec extends Workload {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly strategy: { readonly rollingUpdate: { readonly maxSurge: number } };
}

export const overlays = ['dev', 'staging', 'production'] as const;

const folders = {
  dev: 'overlays/dev',
  staging: 'overlays/staging',
  production: 'overlays/production',
  'smoke-test': 'smoke-test/plain',
  'smoke-test with mutual TLS': 'smoke-test/mutual-tls',
  logs: 'logs',
  deployer: 'deployer',
  'staging with autoscaling by calls': '../../test/deployments/kustomize/autoscaling-calls',
  'production with a database CA': '../../test/deployments/kustomize/database-ca',
} as const;

export type Rendered = keyof typeof folders;

/** Names of all configurations that are applied to a cluster, and of overlays with an optional component. */
export const allRendered = Object.keys(folders) as readonly Rendered[];

const texts = new Map<Rendered, string>();

export function renderText(name: Rendered): string {
  const folder = `deployments/kubernetes/${folders[name]}`;
  const text = texts.get(name) ?? runTool(fileOf('kustomize'), ['build', folder]);
  texts.set(name, text);
  return text;
}

export function render(name: Rendered): Manifest[] {
  return parseAllDocuments(renderText(name)).map((document) => document.toJS() as Manifest);
}

/** @throws Error unless exactly one object has this kind and name */
export function objectOf(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length !== 1) throw new Error(`expected one object ${kind} ${name}, found ${found.length}`);
  return found[0] as Manifest;
}

export interface Pod {
  /** Kind and name of the workload: `Deployment order-service`. */
  readonly title: string;
  readonly name: string;
  readonly labels: Labels;
  readonly spec: PodSpec;
}

const withPods = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

/** Returns the pod template of every workload. */
export function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests
    .filter(({ kind }) => withPods.has(kind))
    .map(({ kind, metadata, spec }) => {
      const { template } = spec as Workload;
      return {
        title: `${kind} ${metadata.name}`,
        name: metadata.name,
        labels: template.metadata.labels,
        spec: template.spec,
      };
    });
}

export function containersOf({ spec }: Pod): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

/** Settings of a container from its ConfigMaps. */
export function settingsOf(manifests: readonly Manifest[], container: Container): Record<string, string> {
  const names = (container.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef?.name ?? []);
  return Object.assign({}, ...names.map((name) => objectOf(manifests, 'ConfigMap', name).data)) as Record<
    string,
    string
  >;
}

export const nameLabel = 'app.kubernetes.io/name';

/** Whether the selector matches the labels. An empty selector matches every pod. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const isEqual = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return isEqual && matchExpressions.every((one) => holds(one, labels));
}

type Expression = NonNullable<Selector['matchExpressions']>[number];

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = labels[key];
  const isOne = value !== undefined && values.includes(value);
  const answers: Record<string, boolean> = {
    In: isOne,
    NotIn: !isOne,
    Exists: value !== undefined,
    DoesNotExist: value === undefined,
  };
  const answer = answers[operator];
  if (answer === undefined) throw new Error(`there is no operator ${operator}`);
  return answer;
}
