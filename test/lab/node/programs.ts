import { fileOf } from '../requirements.js';

/** Paths in the machine. */
export const kubeconfig = '/node/kubeconfig.json';
export const containerdSocket = '/run/containerd-of-pods.sock';

/** The store and the server of the Kubernetes API, with their arguments. */
export const apiServer: Readonly<Record<string, readonly string[]>> = {
  etcd: ['--data-dir=/run/etcd', '--unsafe-no-fsync', '--log-level=warn'],
  'kube-apiserver': [
    '--etcd-servers=http://127.0.0.1:2379',
    '--cert-dir=/run/api-server',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-key-file=/node/accounts.key',
    '--service-account-signing-key-file=/node/accounts.key',
    '--token-auth-file=/node/tokens.csv',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged=true',
    // The API server calls the kubelet by its address, because no DNS server knows the name of the node.
    '--kubelet-preferred-address-types=InternalIP',
  ],
};

/** Programs that end when the API server does not answer within ten seconds of their start. */
export const controllers: Readonly<Record<string, readonly string[]>> = {
  'kube-controller-manager': [
    `--kubeconfig=${kubeconfig}`,
    '--service-account-private-key-file=/node/accounts.key',
    '--leader-elect=false',
  ],
  'kube-scheduler': [`--kubeconfig=${kubeconfig}`, '--leader-elect=false'],
};

/** Programs of the node. The kubelet starts the pods in `cgroup`. */
export function nodePrograms(cgroup: string): Readonly<Record<string, readonly string[]>> {
  return {
    containerd: ['--config=/node/containerd.toml'],
    coredns: ['-conf', '/node/Corefile'],
    'kube-proxy': [
      `--kubeconfig=${kubeconfig}`,
      '--hostname-override=node',
      '--cluster-cidr=10.244.0.0/16',
      // 0 keeps the current values. kube-proxy must not change the connection tracking of the host.
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
    ],
    kubelet: [
      '--config=/node/kubelet.yaml',
      `--kubeconfig=${kubeconfig}`,
      '--hostname-override=node',
      `--cgroup-root=/${cgroup}`,
      '--root-dir=/var/lib/docker/kubelet',
    ],
  };
}

/** metrics-server serves the CPU and memory usage of pods as an API of the cluster. */
export const metrics: Readonly<Record<string, readonly string[]>> = {
  'metrics-server': [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--authentication-skip-lookup',
    // These paths need no authorization: health checks and API discovery. metrics.yaml authorizes reads of the metrics.
    '--authorization-always-allow-paths=/healthz,/livez,/readyz,/apis/*',
    '--secure-port=4443',
    '--cert-dir=/run/metrics-server',
    '--metric-resolution=15s',
    '--kubelet-insecure-tls',
    '--kubelet-preferred-address-types=InternalIP',
  ],
};

/** Returns the programs by their path in the machine. */
export function programFiles(): Record<string, string> {
  const files: Record<string, string> = {
    '/usr/local/bin/etcd': fileOf('etcd'),
    '/usr/local/bin/kubectl': fileOf('kubectl'),
    '/usr/local/bin/coredns': fileOf('coredns'),
    '/usr/local/bin/metrics-server': fileOf('metrics-server'),
    '/node/pause': fileOf('pause'),
  };
  for (const name of ['kube-apiserver', 'kube-controller-manager'])
    files[`/usr/local/bin/${name}`] = fileOf('kubernetes', name);
  for (const name of ['kubelet', 'kube-scheduler', 'kube-proxy'])
    files[`/usr/local/bin/${name}`] = fileOf('kubelet', name);
  // The PATH has /node/bin first, so the node does not run the containerd of the container engine.
  for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr'])
    files[`/node/bin/${name}`] = fileOf('containerd', name);
  for (const name of ['bridge', 'host-local', 'loopback'])
    files[`/opt/cni/bin/${name}`] = fileOf('pod-network', name);
  return files;
}
