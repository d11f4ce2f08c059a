import { parseAllDocuments } from 'yaml';
import { fileOf, runTool } from './tools.js';

export interface Probe {
  readonly grpc?: { readonly port: number; readonly service: string };
  readonly httpGet?: { readonly path: string; readonly port: number | string };
  readonly exec?: { readonly command: readonly string[] };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
  readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts };
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly privileged?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

type Amounts = Readonly<Record<'cpu' | 'memory', string>>;

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly hostPath?: { readonly path: string };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly hostNetwork?: boolean;
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
  };
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly topologySpreadConstraints?: readonly {
    readonly topologyKey: string;
    readonly maxSkew: number;
    readonly whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
    readonly matchLabelKeys?: readonly string[];
    readonly nodeTaintsPolicy?: 'Honor' | 'Ignore';
    readonly labelSelector: Selector;
  }[];
  readonly affinity?: {
    readonly podAntiAffinity?: {
      readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
        readonly podAffinityTerm: { readonly topologyKey: string; readonly labelSelector: Selector };
      }[];
    };
  };
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
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  // Every kind has another; tests look at it as what they asked for.
  readonly spec: unknown;
}

export interface Workload {
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
}

export interface DeploymentSpec extends Workload {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector: Selector;
  readonly strategy: {
    readonly rollingUpdate: { readonly maxUnavailable: number; readonly maxSurge: number };
  };
}

export interface ScalingSpec {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly metrics: readonly {
    readonly resource: {
      readonly name: string;
      readonly target: { readonly type: string; readonly averageUtilization: number };
    };
  }[];
  readonly behavior: Readonly<Record<'scaleUp' | 'scaleDown', ScalingRules>>;
}

interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy?: string;
  readonly policies: readonly {
    readonly type: string;
    readonly value: number;
    readonly periodSeconds: number;
  }[];
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
  'calls in flight': '../../test/deployments/kustomize/autoscaling-calls',
  'database CA': '../../test/deployments/kustomize/database-ca',
} as const;

export type Rendered = keyof typeof folders;

/** Everything that is applied to a cluster at some time. */
export const allRendered = Object.keys(folders) as readonly Rendered[];

const texts = new Map<Rendered, string>();

export function renderText(name: Rendered): string {
  const folder = `deployments/kubernetes/${folders[name]}`;
  const text = texts.get(name) ?? runTool(fileOf('kustomize', 'kustomize'), ['build', folder]);
  texts.set(name, text);
  return text;
}

export function render(name: Rendered): Manifest[] {
  return parseAllDocuments(renderText(name)).map((document) => document.toJS() as Manifest);
}

/** The one object of a kind and name. */
export function objectOf(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name}`);
  return found[0] as Manifest;
}

export interface Pod {
  /** `Deployment order-service`. */
  readonly title: string;
  readonly name: string;
  readonly labels: Labels;
  readonly spec: PodSpec;
}

const withPods = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

/** The pods that workloads make. */
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

/** The settings that a container gets from ConfigMaps. */
export function settingsOf(manifests: readonly Manifest[], container: Container): Record<string, string> {
  const names = (container.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef?.name ?? []);
  return Object.assign({}, ...names.map((name) => objectOf(manifests, 'ConfigMap', name).data)) as Record<
    string,
    string
  >;
}

export const componentLabel = 'app.kubernetes.io/component';
export const nameLabel = 'app.kubernetes.io/name';

/** Whether a selector means a pod; an empty one means all. */
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
