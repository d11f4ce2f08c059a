import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Source, InstallContext } from './install.js';
import { unpackDebianPackages } from './packages.js';
import { InstallError } from './run-command.js';

/** Arguments of `unshare` for the namespaces of a machine. */
export const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child'];

const bootstrapMs = 900_000;
const probeMs = 60_000;
const impossible = 'no container engine can run here';

const enginePackages = [
  'docker.io',
  'iptables',
  'iproute2',
  'slirp4netns',
  'ca-certificates',
  'make',
  'procps',
];
/** Packages for the stand-in images. */
const imagePackages = ['haproxy', 'libatomic1', 'postgresql-client', 'wget'];

/** Script that tries each operation for which a container engine needs a kernel feature or a right of root. */
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

/** Installs a Debian system with a container engine into a folder. Tests run this system in its own namespaces. */
export function machine(suite: string): Source {
  return {
    files: ['rootfs'],
    remedy: 'root on Debian, with its package registry, and a kernel with overlayfs, bridges and tun',
    install: async (context) => {
      if (process.platform !== 'linux' || process.getuid?.() !== 0)
        throw new InstallError('only root on Linux can run the machine');
      if (!existsSync('/dev/net/tun')) throw new InstallError(`${impossible}: there is no /dev/net/tun`);
      // Without the right to create namespaces, the installation fails here, before the bootstrap, which takes minutes.
      await unshare(context, ['true']);
      const rootfs = path.join(context.target, 'rootfs');
      await bootstrap(context, suite, rootfs);
      // Documentation and package caches are removed, because they take up half of the folder.
      for (const folder of ['share/doc', 'share/man', 'share/locale', 'share/javascript'])
        rmSync(path.join(rootfs, 'usr', folder), { recursive: true, force: true });
      for (const folder of ['cache/apt/archives', 'lib/apt/lists'])
        rmSync(path.join(rootfs, 'var', folder), { recursive: true, force: true });
      const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-probe-'));
      try {
        await unshare(context, ['sh', '-c', probe, 'sh', folder, rootfs]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

async function bootstrap(context: InstallContext, suite: string, rootfs: string): Promise<void> {
  const unpacked = await unpackDebianPackages(context, ['debootstrap']);
  context.say(`installing Debian ${suite} with a container engine into a folder (some minutes)`);
  const packages = [...enginePackages, ...imagePackages].join(',');
  await context.run({
    program: path.join(unpacked, 'usr/sbin/debootstrap'),
    args: ['--variant=minbase', `--include=${packages}`, suite, rootfs],
    env: { DEBOOTSTRAP_DIR: path.join(unpacked, 'usr/share/debootstrap') },
    limitMs: bootstrapMs,
    otherwise: 'debootstrap failed',
  });
}

function unshare({ run }: InstallContext, command: readonly string[]): Promise<string> {
  const args = [...namespaces, ...command];
  return run({ program: 'unshare', args, limitMs: probeMs, otherwise: impossible });
}
