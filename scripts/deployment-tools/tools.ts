import { etcd, kubectl, kubernetes } from './api-server.js';
import { actionlint, compose, hadolint, shellcheck, trivy } from './linters.js';
import { kubeconform, kustomize } from './manifests.js';
import { node, psql } from './node.js';
import { schemas } from './schemas.js';
import type { Tool, ToolName } from './tool.js';

export const tools: Readonly<Record<ToolName, Tool>> = {
  kustomize,
  kubeconform,
  schemas,
  kubernetes,
  kubectl,
  etcd,
  compose,
  hadolint,
  shellcheck,
  actionlint,
  trivy,
  node,
  psql,
};
