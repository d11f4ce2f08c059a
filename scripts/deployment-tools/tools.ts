import { etcd, kubectl, kubernetes } from './api-server.js';
import { certManager } from './cert-manager.js';
import { actionlint, compose, hadolint, shellcheck, trivy, zizmor } from './linters.js';
import { buildx } from './buildx.js';
import { machine } from './machine.js';
import { kubeconform, kustomize } from './manifests.js';
import { node, psql } from './node.js';
import { nodeTools } from './node-tools.js';
import { schemas } from './schemas.js';
import type { Tool, ToolName } from './tool.js';

export const tools: Readonly<Record<ToolName, Tool>> = {
  kustomize,
  kubeconform,
  schemas,
  kubernetes,
  kubectl,
  etcd,
  'cert-manager-controller': certManager,
  compose,
  buildx,
  machine,
  ...nodeTools,
  hadolint,
  shellcheck,
  actionlint,
  zizmor,
  trivy,
  node,
  psql,
};
