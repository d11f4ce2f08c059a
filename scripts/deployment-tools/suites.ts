import { nodeTools } from './node-tools.js';
import { toolNames, type ToolName } from './tool.js';

const images: readonly ToolName[] = ['machine', 'buildx', 'compose', 'node'];
const nodes = Object.keys(nodeTools) as (keyof typeof nodeTools)[];
/** They run what make verify-deployments only looks at. */
const engines: ReadonlySet<ToolName> = new Set(['machine', 'buildx', ...nodes]);

/** What make verify-deployments, verify-containers and verify-cluster need beside our own programs. */
export const suites: Readonly<Record<'deployments' | 'containers' | 'cluster', readonly ToolName[]>> = {
  deployments: toolNames.filter((name) => !engines.has(name)),
  containers: images,
  cluster: [...images, ...nodes, 'kustomize', 'kubectl', 'etcd', 'kubernetes'],
};

/** Tools by their names, or by the names of suites. */
export function toolsOf(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => (isSuite(name) ? suites[name] : name));
}

function isSuite(name: string): name is keyof typeof suites {
  return Object.hasOwn(suites, name);
}
