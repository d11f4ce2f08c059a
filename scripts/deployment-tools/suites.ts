import type { ToolName } from './tool.js';

const images: readonly ToolName[] = ['machine', 'buildx', 'compose', 'node'];

/** What make verify-deployments, verify-containers and verify-cluster need beside our own programs. */
export const suites = {
  deployments: [
    'kustomize',
    'kubeconform',
    'schemas',
    'kubernetes',
    'kubectl',
    'etcd',
    'cert-manager-controller',
    'compose',
    'hadolint',
    'shellcheck',
    'actionlint',
    'zizmor',
    'trivy',
    'node',
    'psql',
  ],
  containers: images,
  cluster: [
    ...images,
    'kustomize',
    'kubectl',
    'etcd',
    'kubernetes',
    'kubelet',
    'containerd',
    'pod-network',
    'coredns',
  ],
} as const satisfies Readonly<Record<string, readonly ToolName[]>>;

/** Tools by their names, or by the names of suites. */
export function toolsOf(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => (isSuite(name) ? suites[name] : name));
}

function isSuite(name: string): name is keyof typeof suites {
  return Object.hasOwn(suites, name);
}
