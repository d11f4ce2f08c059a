import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unpackDebianPackages } from '../tools/debian.js';
import { InstallError, type Workshop } from '../tools/workshop.js';
import type { Tool } from './tool.js';

const suite = 'bookworm';
const bootstrapMs = 900_000;
/** With which a process begins a machine of its own: arguments of `unshare`. */
export const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child'];
const refused = 'no container engine can run here';
const probeMs = 60_000;

/** What the machine has beside Debian's bare minimum. */
const packages = ['docker.io', 'iptables', 'iproute2', 'slirp4netns', 'ca-certificates', 'make', 'procps'];
/** For images that stand in for those of others: see test/containers/stand-ins. */
const standIns = ['haproxy', 'libatomic1', 'postgresql-client', 'wget'];

/** What a container engine asks of the kernel and of the rights here, tried in namespaces that end with it. */
const probe = `set -e
folder=$1 rootfs=$2
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
mount -t proc proc "$folder/root/proc"
mount --rbind /sys "$folder/root/sys"
mount --rbind /dev "$folder/root/dev"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$folder/root" sh -ec '
  ip tuntap add dev probe mode tap
  ip link add probe-bridge type bridge
  ip link add probe-a type veth peer name probe-b
  iptables --table nat --list >/dev/null
  cgroup=$(awk "\\$3 ~ /^cgroup/ { print \\$2; exit }" /proc/mounts)
  mkdir "$cgroup/$1"
  rmdir "$cgroup/$1"
' sh "$(basename "$folder")"`;

/** The root folder of a Debian with a container engine, to be run in namespaces of its own (test/containers). */
export const machine: Tool = {
  name: 'machine',
  version: `${suite}-1`,
  files: ['rootfs'],
  checks: 'the images and the compose file in a container engine',
  remedy: 'root on Debian, with its package registry, and a kernel with overlayfs, bridges and tun',
  install: async (workshop) => {
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      throw new InstallError('only root on Linux can run it');
    await tryNamespaces(workshop);
    const rootfs = path.join(workshop.target, 'rootfs');
    await bootstrap(workshop, rootfs);
    // Half of it: nothing there reads texts, and packages are not installed again.
    for (const folder of ['share/doc', 'share/man', 'share/locale', 'share/javascript'])
      rmSync(path.join(rootfs, 'usr', folder), { recursive: true, force: true });
    for (const folder of ['cache/apt/archives', 'lib/apt/lists'])
      rmSync(path.join(rootfs, 'var', folder), { recursive: true, force: true });
    await tryOut(workshop, rootfs);
  },
};

async function bootstrap(workshop: Workshop, rootfs: string): Promise<void> {
  const unpacked = await unpackDebianPackages(workshop, ['debootstrap']);
  workshop.say(`installing Debian ${suite} with a container engine into a folder (some minutes)`);
  await workshop.run({
    program: path.join(unpacked, 'usr/sbin/debootstrap'),
    args: ['--variant=minbase', `--include=${[...packages, ...standIns].join(',')}`, suite, rootfs],
    env: { DEBOOTSTRAP_DIR: path.join(unpacked, 'usr/share/debootstrap') },
    limitMs: bootstrapMs,
    otherwise: 'debootstrap failed',
  });
}

/** Before minutes are spent: what `tryOut` asks first. */
async function tryNamespaces(workshop: Workshop): Promise<void> {
  if (!existsSync('/dev/net/tun')) throw new InstallError(`${refused}: there is no /dev/net/tun`);
  await workshop.run({
    program: 'unshare',
    args: [...namespaces, 'true'],
    limitMs: probeMs,
    otherwise: refused,
  });
}

/** @throws InstallError when no machine can run here, with what the kernel or the rights do not allow */
async function tryOut(workshop: Workshop, rootfs: string): Promise<void> {
  // Where the tests will mount it.
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-probe-'));
  try {
    await workshop.run({
      program: 'unshare',
      args: [...namespaces, 'sh', '-c', probe, 'sh', folder, rootfs],
      limitMs: probeMs,
      otherwise: refused,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
