import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { startMachine, type Machine, type Ran } from '../containers/machine.js';
import { fileOf } from '../deployments/tools.js';
import { eventually } from '../system/dev-process.js';
import { controlPlane, kubeconfig, metrics, nodePrograms, programFiles } from './programs.js';

/** A whole cluster of one node, whose pods run, in a machine of its own. */
export interface Cluster {
  readonly machine: Machine;
  /** @throws Error with what kubectl said when it fails */
  kubectl(args: string): Promise<string>;
  /** Runs a target of the Makefile on the cluster to its end. */
  make(target: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
  stop(): Promise<void>;
}

const startMs = 120_000;
const settings = path.resolve('test/cluster/node');

/**
 * Starts it; its engine builds images, which its node gets from `provideImages`.
 * @throws Error with the last words of the program that has ended
 */
export async function startCluster(moreFiles: Readonly<Record<string, string>>): Promise<Cluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-node-'));
  const cgroup = path.basename(folder);
  writeSettings(folder);
  const files = { ...programFiles(), ...moreFiles, '/node': folder };
  try {
    const machine = await startMachine({ rootfs: fileOf('machine', 'rootfs'), files });
    const cluster: Cluster = {
      machine,
      kubectl: (args) => machine.must(`kubectl ${args}`, { KUBECONFIG: kubeconfig }),
      make: (target, env) =>
        machine.run(`make ${target}`, {
          KUBECONFIG: kubeconfig,
          KUSTOMIZE: '/usr/local/bin/kustomize',
          ...env,
        }),
      stop: async () => {
        await machine.stop();
        removeCgroups(cgroup);
      },
    };
    await bringUp(cluster, cgroup);
    return cluster;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bringUp(cluster: Cluster, cgroup: string): Promise<void> {
  const { machine, kubectl } = cluster;
  const programs = new Programs(machine);
  try {
    await machine.must(`sh /node/prepare.sh ${cgroup}`);
    programs.start(controlPlane);
    await programs.until('the API server is ready', () => kubectl('get --raw /readyz'));
    programs.start(nodePrograms(cgroup));
    await programs.until('the node is ready', () =>
      kubectl('wait --for=condition=Ready node/node --timeout=1s'),
    );
    await kubectl('apply -f /node/volumes.yaml -f /node/metrics.yaml');
    // It has first figures by the time that pods run.
    programs.start(metrics);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** What runs until the machine stops. */
class Programs {
  readonly #machine: Machine;
  #ended: string | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  start(programs: Readonly<Record<string, readonly string[]>>): void {
    for (const [name, args] of Object.entries(programs)) {
      const command = `PATH=/node/bin:$PATH exec ${name} ${args.join(' ')} >/var/log/${name}.log 2>&1`;
      void this.#machine.run(command).then(() => (this.#ended ??= name));
    }
  }

  /** @throws Error when it takes too long, or one of them has ended */
  async until(what: string, condition: () => Promise<string>): Promise<void> {
    const holds = async (): Promise<boolean> => {
      if (this.#ended !== undefined) throw new Error(await this.#lastWords(this.#ended));
      return condition().then(
        () => true,
        () => false,
      );
    };
    await eventually(what, holds, startMs);
  }

  async #lastWords(name: string): Promise<string> {
    const { output } = await this.#machine.run(`tail --lines 20 /var/log/${name}.log`);
    return `${name} has ended:\n${output}`;
  }
}

function writeSettings(folder: string): void {
  cpSync(settings, folder, { recursive: true });
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const write = (name: string, text: string | Buffer): void => writeFileSync(path.join(folder, name), text);
  write('accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
  write('tokens.csv', `${token},admin,admin,system:masters\n`);
  write('kubeconfig.json', kubeconfigText(token));
  const volumes = [1, 2, 3, 4, 5, 6].map((number) => `---\n${stringify(volume(number))}`);
  write('volumes.yaml', [readFileSync(path.join(settings, 'volumes.yaml'), 'utf8'), ...volumes].join(''));
}

function kubeconfigText(token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // Its certificate is made by itself, for this run.
    clusters: [
      { name: 'node', cluster: { server: 'https://127.0.0.1:6443', 'insecure-skip-tls-verify': true } },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'node', context: { cluster: 'node', user: 'admin' } }],
    'current-context': 'node',
  });
}

/** A folder of the node that a claim can have. */
function volume(number: number): object {
  const here = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node'] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `volume-${number}` },
    spec: {
      storageClassName: 'standard',
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      local: { path: `/var/lib/docker/volumes-of-pods/${number}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
    },
  };
}

/** Folders of pods, which outlive them; they hold nothing that could be deleted but folders. */
function removeCgroups(cgroup: string): void {
  for (const mount of ['', ...readdirSync('/sys/fs/cgroup')]) {
    const folder = path.join('/sys/fs/cgroup', mount, cgroup);
    if (existsSync(folder)) spawnSync('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  }
}
