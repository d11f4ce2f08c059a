import type { Workshop } from '../observability-tools/tool.js';

export const toolNames = [
  'kustomize',
  'kubeconform',
  'schemas',
  'kubernetes',
  'kubectl',
  'etcd',
  'compose',
  'hadolint',
  'shellcheck',
  'actionlint',
  'trivy',
  'node',
  'psql',
] as const;

export type ToolName = (typeof toolNames)[number];

/** Something that verify-deployments needs beside our own programs. */
export interface Tool {
  readonly name: ToolName;
  /** Part of the folder's name: another version is installed anew. */
  readonly version: string;
  /** What it brings: files by name, below the folder that `install` fills. */
  readonly files: readonly string[];
  /** Programs that may be on the PATH instead, by the name they have there. */
  readonly onPath?: readonly string[];
  /** What is not checked without it. */
  readonly checks: string;
  /** What would bring it where it cannot be installed. */
  readonly remedy: string;
  /**
   * Puts every file into `workshop.target`.
   * @throws InstallError
   */
  install(workshop: Workshop): Promise<void>;
}

/** Paths of a tool's files by their names, or why it is not to be had. */
export type Found =
  | { readonly files: Readonly<Record<string, string>> }
  | { readonly reason: string; readonly remedy: string; readonly checks: string };
