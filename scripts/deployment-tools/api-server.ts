import { readFileSync } from 'node:fs';
import path from 'node:path';
import { downloadModule, goRemedy as remedy } from '../tools/go.js';
import type { Workshop } from '../tools/workshop.js';
import { buildFromOwnModule } from './own-module.js';
import { newestRelease } from './releases.js';
import type { Tool } from './tool.js';

const checks = 'the manifests and the deployment script against a real API server';
const etcdVersion = 'v3.6.16';
const programs = ['kube-apiserver', 'kube-controller-manager'];

/** The programs of a control plane, built from the Go module. */
export const kubernetes: Tool = {
  name: 'kubernetes',
  version: newestRelease,
  files: programs,
  checks,
  remedy,
  install: (workshop) => buildKubernetes(workshop, programs),
};

export const kubectl: Tool = {
  name: 'kubectl',
  version: newestRelease,
  files: ['kubectl'],
  onPath: ['kubectl'],
  checks,
  remedy: `${remedy}, or kubectl on the PATH`,
  install: (workshop) => buildKubernetes(workshop, ['kubectl']),
};

/** @throws InstallError */
export async function buildKubernetes(workshop: Workshop, names: readonly string[]): Promise<void> {
  const require = { module: 'k8s.io/kubernetes', version: newestRelease };
  const folder = await downloadModule(workshop, require);
  const modules = readFileSync(path.join(folder, 'go.mod'), 'utf8').matchAll(
    /^\s+(k8s\.io\/[a-z-]+) => \.\//gm,
  );
  const library = newestRelease.replace(/^v1/, 'v0');
  // Published modules stand for the folders of the repository that its go.mod names. A sample is not built.
  const replaced = [...modules].map(([, name = '']) => [name, published(name, library)] as const);
  await buildFromOwnModule(workshop, {
    require,
    replaces: replaced.map(([name, version]) => `replace ${name} => ${name} ${version}`),
    packages: Object.fromEntries(names.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])),
    variables: { 'k8s.io/component-base/version.gitVersion': newestRelease },
  });
}

/** Samples are published later than the rest, and only their names count. */
function published(name: string, library: string): string {
  return name.startsWith('k8s.io/sample-') ? 'v0.36.4' : library;
}

export const etcd: Tool = {
  name: 'etcd',
  version: etcdVersion,
  files: ['etcd'],
  onPath: ['etcd'],
  checks,
  remedy,
  install: (workshop) =>
    buildFromOwnModule(workshop, {
      require: { module: 'go.etcd.io/etcd/server/v3', version: etcdVersion },
      packages: { etcd: 'tools/etcd' },
    }),
};
