import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { waitFor } from '../../support/wait-for.js';
import { kubeconfigText } from '../control-plane/control-plane.js';
import {
  removeCgroups,
  startMachine,
  type Machine,
  type MachineFiles,
  type Ran,
} from '../machine/machine.js';
import { apiServer, controllers, kubeconfig, metrics, nodePrograms, programFiles } from './programs.js';

/** A Kubernetes cluster of one node, in a machine of its own. The node runs pods. */
export interface Cluster {
  readonly machine: Machine;
  /** @throws Error with the output of kubectl when the command fails */
  kubectl(args: string): Promise<string>;
  /** Runs a target of the Makefile on the cluster, and waits until the target ends. */
  make(target: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
  stop(): Promise<void>;
}

const startMs = 120_000;
const settings = path.resolve('test/lab/node/files');

/** @throws Error with the last log lines of a program that ended during the start */
export async function startCluster(moreFiles: MachineFiles): Promise<Cluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-node-'));
  const cgroup = path.basename(folder);
  writeSettings(folder);
  try {
    const machine = await startMachine({ ...programFiles(), ...moreFiles, '/node': folder });
    const cluster: Cluster = {
      machine,
      kubectl: (args) => machine.must(`kubectl ${args}`, { KUBECONFIG: kubeconfig }),
      make: (target, env) => machine.run(`make ${target}`, { KUBECONFIG: kubeconfig, ...env }),
      stop: async () => {
        await machine.stop();
        removeCgroups(cgroup);
      },
    };
    await bringUp(cluster, cgroup).catch(async (error: unknown) => {
      await cluster.stop();
      throw error;
    });
    return cluster;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bringUp({ machine, kubectl }: Cluster, cgroup: string): Promise<void> {
  let ended: string | undefined;
  const start = (programs: Readonly<Record<string, readonly string[]>>): void => {
    for (const [name, args] of Object.entries(programs)) {
      const command = `PATH=/node/bin:$PATH exec ${name} ${args.join(' ')} >/var/log/${name}.log 2>&1`;
      void machine.run(command).then(() => (ended ??= name));
    }
  };
  const until = (what: string, command: string): Promise<string> =>
    waitFor(
      async () => {
        if (ended === undefined) return kubectl(command).catch(() => undefined);
        const { output } = await machine.run(`tail --lines 20 /var/log/${ended}.log`);
        throw new Error(`${ended} has ended:\n${output}`);
      },
      what,
      { timeoutMs: startMs, intervalMs: 500 },
    );
  await machine.must(`sh /node/prepare.sh ${cgroup}`);
  start(apiServer);
  await until('ready API server', 'get --raw /readyz --request-timeout=5s');
  start({ ...controllers, ...nodePrograms(cgroup) });
  await until('ready node', 'wait --for=condition=Ready node/node --timeout=1s');
  await kubectl('apply -f /node/volumes.yaml -f /node/metrics.yaml');
  start(metrics);
}

function writeSettings(folder: string): void {
  cpSync(settings, folder, { recursive: true });
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const write = (name: string, text: string | Buffer): void => writeFileSync(path.join(folder, name), text);
  write('accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
  write('tokens.csv', `${token},admin,admin,system:masters\n`);
  write('kubeconfig.json', kubeconfigText('https://127.0.0.1:6443', token));
  const volumes = [1, 2, 3, 4, 5, 6].map((number) => `---\n${stringify(volume(number))}`);
  write('volumes.yaml', [readFileSync(path.join(settings, 'volumes.yaml'), 'utf8'), ...volumes].join(''));
}

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
