import type { Installable, Missing } from '../tools/install.js';

export const toolNames = [
  'kustomize',
  'kubeconform',
  'schemas',
  'kubernetes',
  'kubectl',
  'etcd',
  'cert-manager-controller',
  'compose',
  'buildx',
  'machine',
  'kubelet',
  'containerd',
  'pod-network',
  'coredns',
  'pause',
  'metrics-server',
  'hadolint',
  'shellcheck',
  'actionlint',
  'zizmor',
  'trivy',
  'node',
  'psql',
] as const;

export type ToolName = (typeof toolNames)[number];

/** Something that verify-deployments needs beside our own programs. */
export interface Tool extends Installable {
  readonly name: ToolName;
  /** What it brings: files by name, below the folder that `install` fills. */
  readonly files: readonly string[];
  /** Programs that may be on the PATH instead, by the name they have there. */
  readonly onPath?: readonly string[];
  /** What is not checked without it. */
  readonly checks: string;
}

/** Paths of a tool's files by their names. */
export interface Present {
  readonly files: Readonly<Record<string, string>>;
}

export type Found = Present | Missing;
