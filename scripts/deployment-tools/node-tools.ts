import { buildKubernetes } from './api-server.js';
import { buildGoProgram, goRemedy as remedy } from '../tools/go.js';
import { buildFromOwnModule } from './own-module.js';
import { newestRelease } from './releases.js';
import type { Tool, ToolName } from './tool.js';

const checks = 'pods that run: a rollout under load, a pod that is killed';
const containerdVersion = 'v2.2.9';
const pluginsVersion = 'v1.9.1';
const dnsVersion = 'v1.14.7';
const metricsServerVersion = 'v0.9.0';
const nodePrograms = ['kubelet', 'kube-scheduler', 'kube-proxy'];

/** What runs on a node, and the scheduler that brings pods to it. */
const kubelet: Tool = {
  name: 'kubelet',
  version: newestRelease,
  files: nodePrograms,
  checks,
  remedy,
  install: (workshop) => buildKubernetes(workshop, nodePrograms),
};

/** Debian's is too old for this kubelet: it must say which driver of cgroups it uses. */
const containerd: Tool = {
  name: 'containerd',
  version: containerdVersion,
  files: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  checks,
  remedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/containerd/containerd/v2',
      version: containerdVersion,
      packages: {
        containerd: './cmd/containerd',
        'containerd-shim-runc-v2': './cmd/containerd-shim-runc-v2',
        ctr: './cmd/ctr',
      },
      tags: 'no_btrfs no_devmapper no_zfs',
      variables: { 'github.com/containerd/containerd/v2/version.Version': containerdVersion },
      env: { CGO_ENABLED: '0' },
    }),
};

/** Connects pods with each other. */
const podNetwork: Tool = {
  name: 'pod-network',
  version: pluginsVersion,
  files: ['bridge', 'host-local', 'loopback'],
  checks,
  remedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/containernetworking/plugins',
      version: pluginsVersion,
      packages: {
        bridge: './plugins/main/bridge',
        'host-local': './plugins/ipam/host-local',
        loopback: './plugins/main/loopback',
      },
      env: { CGO_ENABLED: '0' },
    }),
};

/** The names of Services. */
const coredns: Tool = {
  name: 'coredns',
  version: dnsVersion,
  files: ['coredns'],
  checks,
  remedy,
  install: (workshop) =>
    buildFromOwnModule(workshop, {
      require: { module: 'github.com/coredns/coredns', version: dnsVersion },
      packages: { coredns: 'tools/coredns' },
    }),
};

/** What pods use, for autoscalers. */
const metricsServer: Tool = {
  name: 'metrics-server',
  version: metricsServerVersion,
  files: ['metrics-server'],
  checks: 'autoscaling by what pods use',
  remedy,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'sigs.k8s.io/metrics-server',
      version: metricsServerVersion,
      packages: { 'metrics-server': './cmd/metrics-server' },
      env: { CGO_ENABLED: '0' },
    }),
};

/** The first container of every pod. */
const pause: Tool = {
  name: 'pause',
  version: '1',
  files: ['pause'],
  checks,
  remedy,
  install: (workshop) => buildFromOwnModule(workshop, { packages: { pause: 'tools/pause' } }),
};

/** All of them, for pods that run. */
export const nodeTools = {
  kubelet,
  containerd,
  'pod-network': podNetwork,
  coredns,
  pause,
  'metrics-server': metricsServer,
} satisfies Partial<Record<ToolName, Tool>>;
