import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { goCommand } from '../observability-tools/go.js';
import type { Workshop } from '../observability-tools/tool.js';
import { downloadModule } from './go-module.js';
import { newestRelease } from './releases.js';
import type { Tool } from './tool.js';

const buildMs = 1_500_000;
const remedy = 'Go (https://go.dev/dl) and its module proxy';
const checks = 'the manifests and the deployment script against a real API server';
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

async function buildKubernetes(workshop: Workshop, names: readonly string[]): Promise<void> {
  const folder = await downloadModule(workshop, 'k8s.io/kubernetes', newestRelease);
  const modules = readFileSync(path.join(folder, 'go.mod'), 'utf8').matchAll(
    /^\s+(k8s\.io\/[a-z-]+) => \.\//gm,
  );
  const library = newestRelease.replace(/^v1/, 'v0');
  // Published modules stand for the folders of the repository that its go.mod names. A sample is not built.
  const replaced = [...modules].map(([, name = '']) => [name, published(name, library)] as const);
  const replaces = replaced.map(([name, version]) => `replace ${name} => ${name} ${version}`);
  const packages = names.map((name) => `k8s.io/kubernetes/cmd/${name}`);
  await build(workshop, { require: `k8s.io/kubernetes ${newestRelease}`, replaces, packages });
}

/** Samples are published later than the rest, and only their names count. */
function published(name: string, library: string): string {
  return name.startsWith('k8s.io/sample-') ? 'v0.36.4' : library;
}

export const etcd: Tool = {
  name: 'etcd',
  version: 'v3.6.16',
  files: ['etcd'],
  onPath: ['etcd'],
  checks,
  remedy,
  install: (workshop) =>
    build(workshop, { require: 'go.etcd.io/etcd/server/v3 v3.6.16', replaces: [], packages: ['tools/etcd'] }),
};

/** Its own main package is in a module that is not published everywhere; it is this one call. */
const etcdMain = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`;

interface Build {
  readonly require: string;
  readonly replaces: readonly string[];
  readonly packages: readonly string[];
}

/** Builds programs of a module from a module of our own, which says what replaces what. */
async function build(workshop: Workshop, { require, replaces, packages }: Build): Promise<void> {
  const lines = ['module tools', 'go 1.26.0', 'godebug default=go1.26', `require ${require}`, ...replaces];
  writeFileSync(path.join(workshop.scratch, 'go.mod'), `${lines.join('\n')}\n`);
  mkdirSync(path.join(workshop.scratch, 'etcd'));
  writeFileSync(path.join(workshop.scratch, 'etcd/main.go'), etcdMain);
  const version = `-X k8s.io/component-base/version.gitVersion=${newestRelease}`;
  const flags = ['-mod=mod', '-trimpath', '-ldflags', `-s -w ${version}`];
  for (const main of packages) {
    workshop.say(`building ${main} (some minutes the first time)`);
    await workshop.run(
      goCommand(['build', ...flags, '-o', path.join(workshop.target, path.basename(main)), main], buildMs),
    );
  }
}
