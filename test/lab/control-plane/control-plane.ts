import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assignPorts } from '../../../cmd/dev/services/ports.js';
import { waitFor } from '../../support/wait-for.js';
import { fileOf } from '../requirements.js';

/** A Kubernetes control plane without nodes: etcd, the API server and the controller manager. */
export interface ControlPlane {
  /** Temporary folder, removed by `stop`. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** @throws Error with the output of kubectl when kubectl fails */
  kubectl(args: readonly string[], input?: string): string;
  /** Writes a kubeconfig with the token. Returns the path of the file. */
  kubeconfigOf(token: string): string;
  /** Sends a request to the API. Parses a JSON response, and returns any other response as text. */
  call(method: string, place: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

const startMs = 120_000;
const callMs = 30_000;

/** Returns when the API server is ready and the controllers work. */
export async function startControlPlane(): Promise<ControlPlane> {
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-cluster-'));
  const started: ChildProcess[] = [];
  const [store, peer, api] = await freePorts();
  const token = randomBytes(16).toString('hex');
  const kubeconfigOf = (bearer: string): string => {
    const file = path.join(folder, `kubeconfig-${randomBytes(4).toString('hex')}`);
    writeFileSync(file, kubeconfigText(`https://127.0.0.1:${api}`, bearer));
    return file;
  };
  writeKeys(folder, token);
  const kubeconfig = kubeconfigOf(token);
  const start = (program: string, args: readonly string[]): void => {
    const log = openSync(path.join(folder, `${path.basename(program)}.log`), 'w');
    started.push(spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] }));
  };
  start(fileOf('etcd'), etcdArguments(store, peer));
  start(fileOf('kubernetes', 'kube-apiserver'), apiArguments(store, api));
  const call = (method: string, place: string, body?: unknown) =>
    callApi({ api, token }, { method, place, body });
  try {
    const until = (what: string, condition: () => Promise<boolean>) =>
      waitFor(
        () => {
          assertAlive(started, folder);
          return condition();
        },
        what,
        { timeoutMs: startMs, intervalMs: 200 },
      );
    await until('ready API server', () => isReady(call));
    start(fileOf('kubernetes', 'kube-controller-manager'), controllerArguments(kubeconfig));
    await until('ServiceAccount from the controllers', () => hasControllers(call));
  } catch (error) {
    await stop(started, folder);
    throw error;
  }
  return {
    folder,
    kubeconfig,
    kubeconfigOf,
    kubectl: (args, input = '') => runKubectl(['--kubeconfig', kubeconfig, ...args], input),
    call,
    stop: () => stop(started, folder),
  };
}

function runKubectl(args: readonly string[], input: string): string {
  return execFileSync(fileOf('kubectl'), args, {
    encoding: 'utf8',
    input,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function freePorts(): Promise<[number, number, number]> {
  const wanted = ['store', 'peer', 'api'].map((setting) => ({ owner: setting, setting, port: 0 }));
  return (await assignPorts(wanted)).map(({ port }) => port) as [number, number, number];
}

function writeKeys(folder: string, token: string): void {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(path.join(folder, 'accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  writeFileSync(path.join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
}

function etcdArguments(store: number, peer: number): string[] {
  const [storeUrl, peerUrl] = [store, peer].map((port) => `http://127.0.0.1:${port}`);
  return [
    '--data-dir=store',
    '--unsafe-no-fsync',
    `--listen-client-urls=${storeUrl}`,
    `--advertise-client-urls=${storeUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ];
}

function apiArguments(store: number, api: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${store}`,
    `--secure-port=${api}`,
    '--bind-address=127.0.0.1',
    '--cert-dir=certificates',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-key-file=accounts.key',
    '--service-account-signing-key-file=accounts.key',
    '--token-auth-file=tokens.csv',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
  ];
}

function controllerArguments(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--service-account-private-key-file=accounts.key',
    '--leader-elect=false',
    '--secure-port=0',
  ];
}

/** The kubeconfig skips TLS verification, because the certificate of the API server is self-signed. */
export function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  });
}

function assertAlive(started: readonly ChildProcess[], folder: string): void {
  const ended = started.find(({ exitCode }) => exitCode !== null);
  if (!ended) return;
  const log = readFileSync(path.join(folder, `${path.basename(ended.spawnfile)}.log`), 'utf8');
  throw new Error(`${ended.spawnfile} has ended:\n${log.split('\n').slice(-5).join('\n')}`);
}

async function isReady(call: ControlPlane['call']): Promise<boolean> {
  return (await call('GET', '/readyz').catch(() => undefined)) === 'ok';
}

/** A controller creates the default ServiceAccount of every namespace. Pods need this ServiceAccount. */
async function hasControllers(call: ControlPlane['call']): Promise<boolean> {
  const found = await call('GET', '/api/v1/namespaces/default/serviceaccounts/default');
  return (found as { readonly kind?: string }).kind === 'ServiceAccount';
}

/** Stops the programs in the reverse order of their start. etcd stops last, because all other programs depend on etcd. */
async function stop(started: ChildProcess[], folder: string): Promise<void> {
  for (const child of started.toReversed()) {
    if (child.exitCode !== null) continue;
    const ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}

interface Server {
  readonly api: number;
  readonly token: string;
}

interface Call {
  readonly method: string;
  readonly place: string;
  readonly body: unknown;
}

function callApi({ api, token }: Server, { method, place, body }: Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const options = {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      rejectUnauthorized: false,
      agent: false,
      signal: AbortSignal.timeout(callMs),
    } as const;
    const call = request(`https://127.0.0.1:${api}${place}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json');
        resolve(isJson ? JSON.parse(text) : text);
      });
    });
    call.once('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
