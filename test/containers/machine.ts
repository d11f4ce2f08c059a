import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadEnvironment } from '../../pkg/config/index.js';
import { namespaces } from '../../scripts/deployment-tools/machine.js';
import { eventually } from '../system/dev-process.js';

export interface Ran {
  readonly code: number | null;
  /** Both of its streams. */
  readonly output: string;
}

/** A Debian with a container engine and a copy of this repository; whatever happens there leaves no trace here. */
export interface Machine {
  /** Runs a command at the root of the repository to its end. */
  run(command: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** @throws Error with what the command said, when it fails */
  must(command: string, env?: Readonly<Record<string, string>>): Promise<string>;
  stop(): Promise<void>;
}

export interface Parts {
  /** The root folder of a Debian. */
  readonly rootfs: string;
  /** Files and folders to put there, by place. */
  readonly files: Readonly<Record<string, string>>;
}

const startMs = 120_000;
const keptCharacters = 4_000_000;
const outsideCertificates = 'SSL_CERT_FILE';

/** The first process of the machine: mounts what it needs, waits for the network, and is the engine from then on. */
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
  if [ "$tries" -gt 300 ]; then echo 'the network did not come' >&2; exit 1; fi
  sleep 0.1
done
cd "$folder/root"
mkdir -p around
pivot_root . around
umount -l /around
exec dockerd --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$4"`;

/**
 * Starts a machine in namespaces of its own: its processes, mounts, addresses and ports are not those of this one.
 * @throws Error with the engine's last words when it does not answer
 */
export async function startMachine(parts: Parts): Promise<Machine> {
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-machine-'));
  for (const name of ['root', 'upper', 'upper-work', 'changes', 'changes-work', 'engine'])
    mkdirSync(path.join(folder, name));
  provide(path.join(folder, 'upper'), parts.files);
  const cgroup = `/${path.basename(folder)}`;
  const engine = start('unshare', [
    ...namespaces,
    'sh',
    '-c',
    init,
    'sh',
    folder,
    parts.rootfs,
    process.cwd(),
    cgroup,
  ]);
  const programs = [engine];
  const run = (command: string, env: Readonly<Record<string, string>> = {}) =>
    runInside(engine.child.pid as number, command, env);
  const machine: Machine = {
    run,
    must: async (command, env) => {
      const { code, output } = await run(command, env);
      if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
      return output;
    },
    stop: async () => {
      for (const { child } of programs) await end(child);
      rmSync(folder, { recursive: true, force: true });
      // At the end: the last processes take their time to go.
      removeCgroups(cgroup);
    },
  };
  try {
    // Before that, its network would become this one's.
    await eventually('the machine has a network of its own', () => hasOwnNetwork(engine), startMs);
    programs.push(connect(parts.rootfs, engine.child));
    await eventually('the container engine answers', () => answers(machine, programs), startMs);
    return machine;
  } catch (error) {
    await machine.stop();
    const said = programs.map((program) => program.said().slice(-2000)).join('\n');
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}

function hasOwnNetwork({ child }: Program): boolean {
  if (child.exitCode !== null) throw new Error('the machine has ended');
  const networkOf = (process: number | string) => readlinkSync(`/proc/${process}/ns/net`);
  try {
    return networkOf(child.pid as number) !== networkOf('self');
  } catch (error) {
    throw new Error('the machine could not start', { cause: error });
  }
}

async function answers({ run }: Machine, programs: readonly Program[]): Promise<boolean> {
  if (programs.some(({ child }) => child.exitCode !== null)) throw new Error('the machine has ended');
  return (await run('docker info')).code === 0;
}

/** Puts files where the machine looks for them, and the certificates that this one trusts. */
function provide(upper: string, files: Parts['files']): void {
  const certificates = loadEnvironment()[outsideCertificates];
  const all = {
    '/usr/local/bin/node': process.execPath,
    '/etc/resolv.conf': '/etc/resolv.conf',
    ...(certificates !== undefined && { '/etc/ssl/certs/ca-certificates.crt': certificates }),
    ...files,
  };
  for (const [place, file] of Object.entries(all)) {
    mkdirSync(path.join(upper, path.dirname(place)), { recursive: true });
    cpSync(file, path.join(upper, place), { recursive: true, dereference: true });
  }
}

interface Program {
  readonly child: ChildProcess;
  /** Its last lines. */
  said(): string;
}

function start(program: string, args: readonly string[]): Program {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-keptCharacters)));
  child.once('error', (error) => (said += error.message));
  return { child, said: () => said };
}

/** A network in user space: the machine reaches what this one reaches, by addresses of its own, and not this one itself. */
function connect(rootfs: string, { pid }: ChildProcess): Program {
  const libraries = ['lib', 'usr/lib'].map((folder) =>
    path.join(rootfs, folder, process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'),
  );
  const loader = path.join(
    rootfs,
    process.arch === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2',
  );
  const program = path.join(rootfs, 'usr/bin/slirp4netns');
  const options = ['--configure', '--mtu=65520', '--disable-host-loopback', String(pid), 'tap0'];
  return start(loader, ['--library-path', libraries.join(':'), program, ...options]);
}

async function runInside(pid: number, command: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const variables = Object.entries({ PATH, HOME: '/root', NO_COLOR: '1', ...env }).map((pair) =>
    pair.join('='),
  );
  const { child, said } = start('nsenter', [
    `--net=/proc/${pid}/ns/net`,
    `--mount=/proc/${pid}/ns/mnt`,
    `--pid=/proc/${pid}/ns/pid_for_children`,
    'env',
    '-i',
    ...variables,
    'sh',
    '-c',
    `cd /repository && ${command}`,
  ]);
  await once(child, 'close');
  return { code: child.exitCode, output: said() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Folders of the engine's containers, which outlive them; they hold nothing that could be deleted but folders. */
function removeCgroups(cgroup: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  for (const line of mounts) {
    const [, place = '', type = ''] = line.split(' ');
    const folder = path.join(place, cgroup);
    if (!type.startsWith('cgroup') || !existsSync(folder)) continue;
    spawnSync('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
  }
}
