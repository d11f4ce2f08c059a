import { buildGoProgram, goRemedy, installGoProgram } from '../tools/go.js';
import type { Tool } from './tool.js';

const remedy = `${goRemedy}, or the program on the PATH`;

/** Renders overlays. kubectl has one built in, of its own age. */
export const kustomize: Tool = {
  name: 'kustomize',
  version: 'v5.8.1',
  files: ['kustomize'],
  onPath: ['kustomize'],
  checks: 'the rendered manifests',
  remedy,
  install: (workshop) =>
    installGoProgram(workshop, 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.1', workshop.target),
};

/** Validates objects against the schemas of a Kubernetes release. */
export const kubeconform: Tool = {
  name: 'kubeconform',
  version: 'v0.8.0',
  files: ['kubeconform'],
  onPath: ['kubeconform'],
  checks: 'the manifests against the schemas of Kubernetes',
  remedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/yannh/kubeconform',
      version: 'v0.8.0',
      packages: { kubeconform: './cmd/kubeconform' },
    }),
};
