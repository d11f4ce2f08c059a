import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadEnvironment } from '../../../pkg/config/index.js';
import { waitFor } from '../../support/wait-for.js';
import { fileOf } from '../requirements.js';
import { namespaces } from '../tools/machine.js';

export interface Ran {
  readonly code: number | null;
  /** Text of standard output and standard error. */
  readonly output: string;
}

type Variables = Readonly<Record<string, string>>;

/**
 * A Debian system with a container engine, in its own namespaces. The machine sees this repository through an overlay, so
 * changes by the machine do not reach the repository.
 */
export interface Machine {
  /** Runs a command at the root of the repository, and waits until the command ends. */
  run(command: string, env?: Variables): Promise<Ran>;
  /** @throws Error with the output when the command fails */
  must(command: string, env?: Variables): Promise<string>;
  stop(): Promise<void>;
}

/** Files and folders of the host by their path in the machine. */
export type MachineFiles = Readonly<Record<string, string>>;

const startMs = 120_000;
const keptCharacters = 4_000_000;

/** Script of the first process of the machine: it mounts folders, waits for the network and then executes dockerd. */
const init = `set -e
folder=$1 rootfs=$2 repository=$3
mount --make-rprivate /
layers() { mount -t overlay overlay -o "lowerdir=$1,upperdir=$folder/$2,workdir=$folder/$2-work" "$3"; }
layers "$rootfs" upper "$folder/root"
mkdir -p "$folder/root/repository" "$folder/root/var/lib/docker"
layers "$repository" changes "$folder/root/repository"
mount -t proc proc "$folder/root/proc"
mount --rbind /sys "$folder/root/sys"
mount --rbind /dev "$folder/root/dev"
mount -t tmpfs tmpfs "$folder/root/run"
mount --bind "$folder/engine" "$folder/root/var/lib/docker"
ip link set lo up
tries=0
until ip link show tap0 >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 300 ]; then echo 'tap0 did not appear' >&2; exit 1; fi
  sleep 0.1
done
cd "$folder/root"
mkdir -p around
pivot_root . around
umount -l /around
exec dockerd --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$4"`;

/**
 * Starts a machine in its own network, mount and process namespaces.
 * @throws Error with the last output of dockerd and slirp4netns when the engine does not answer
 */
export async function startMachine(files: MachineFiles): Promise<Machine> {
  const rootfs = fileOf('machine', 'rootfs');
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-machine-'));
  for (const name of ['root', 'upper', 'upper-work', 'changes', 'changes-work', 'engine'])
    mkdirSync(path.join(folder, name));
  provide(path.join(folder, 'upper'), files);
  const cgroup = `/${path.basename(folder)}`;
  const command = ['sh', '-c', init, 'sh', folder, rootfs, process.cwd(), cgroup];
  const engine = start('unshare', [...namespaces, ...command]);
  const programs = [engine];
  const machine: Machine = {
    run: (line, env = {}) => runInside(engine.child.pid as number, line, env),
    must: async (line, env) => {
      const { code, output } = await machine.run(line, env);
      if (code !== 0) throw new Error(`${line} ended with ${code}:\n${output}`);
      return output;
    },
    stop: async () => {
      for (const { child } of programs) await end(child);
      rmSync(folder, { recursive: true, force: true });
      // The cgroups are removed last, because the processes in them need time to end.
      removeCgroups(cgroup);
    },
  };
  const until = (what: string, condition: () => boolean | Promise<boolean>) =>
    waitFor(
      () => {
        if (programs.some(({ child }) => child.exitCode !== null))
          throw new Error('dockerd or slirp4netns has ended');
        return condition();
      },
      what,
      { timeoutMs: startMs, intervalMs: 200 },
    );
  try {
    // Before the machine has its own network namespace, slirp4netns would change the network of the host.
    await until('network of the machine', () => hasOwnNetwork(engine.child.pid as number));
    programs.push(connect(rootfs, engine.child));
    await until('answer of the container engine', async () => (await machine.run('docker info')).code === 0);
    return machine;
  } catch (error) {
    await machine.stop();
    const said = programs.map((program) => program.output().slice(-2000)).join('\n');
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}

function hasOwnNetwork(pid: number): boolean {
  const networkOf = (id: number | string) => readlinkSync(`/proc/${id}/ns/net`);
  return networkOf(pid) !== networkOf('self');
}

/** Copies `files`, Node.js, the DNS configuration and the certificates in SSL_CERT_FILE into the machine. */
function provide(upper: string, files: MachineFiles): void {
  const certificates = loadEnvironment()['SSL_CERT_FILE'];
  const all = {
    '/usr/local/bin/node': process.execPath,
    '/etc/resolv.conf': '/etc/resolv.conf',
    ...(certificates !== undefined && { '/etc/ssl/certs/ca-certificates.crt': certificates }),
    ...files,
  };
  for (const [place, file] of Object.entries(all)) {
    const target = path.join(upper, place);
    const isFolder = statSync(file).isDirectory();
    mkdirSync(isFolder ? target : path.dirname(target), { recursive: true });
    // cpSync of Node.js 24 keeps the symbolic links of a folder although `dereference` is set.
    execFileSync('cp', ['-RL', isFolder ? `${file}/.` : file, target]);
  }
}

interface Program {
  readonly child: ChildProcess;
  output(): string;
}

function start(program: string, args: readonly string[]): Program {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const record = (chunk: string): void => void (output = (output + chunk).slice(-keptCharacters));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', record);
  child.once('error', (error) => record(error.message));
  return { child, output: () => output };
}

/** Starts a user-space network. The machine reaches the networks of the host, but not the loopback addresses of the host. */
function connect(rootfs: string, { pid }: ChildProcess): Program {
  const isArm = process.arch === 'arm64';
  const libraries = ['lib', 'usr/lib'].map((folder) =>
    path.join(rootfs, folder, isArm ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'),
  );
  const loader = path.join(rootfs, isArm ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2');
  const program = path.join(rootfs, 'usr/bin/slirp4netns');
  const options = ['--configure', '--mtu=65520', '--disable-host-loopback', String(pid), 'tap0'];
  return start(loader, ['--library-path', libraries.join(':'), program, ...options]);
}

async function runInside(pid: number, command: string, env: Variables): Promise<Ran> {
  const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const variables = Object.entries({ PATH, HOME: '/root', NO_COLOR: '1', ...env });
  const { child, output } = start('nsenter', [
    `--net=/proc/${pid}/ns/net`,
    `--mount=/proc/${pid}/ns/mnt`,
    `--pid=/proc/${pid}/ns/pid_for_children`,
    'env',
    '-i',
    ...variables.map((pair) => pair.join('=')),
    'sh',
    '-c',
    `cd /repository && ${command}`,
  ]);
  await once(child, 'close');
  return { code: child.exitCode, output: output() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Removes the empty cgroups that outlive the processes in them. */
export function removeCgroups(cgroup: string): void {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [, place = '', type = ''] = line.split(' ');
    const folder = path.join(place, cgroup);
    if (!type.startsWith('cgroup') || !existsSync(folder)) continue;
    spawnSync('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  }
}
