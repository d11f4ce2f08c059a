import type { Machine } from '../containers/machine.js';
import { provideImages } from '../containers/stand-ins.js';
import { containerdSocket } from './programs.js';

export const processes = [
  'order-service',
  'inventory-service',
  'payment-service',
  'catalog-service',
  'test-client',
] as const;

/**
 * Builds our images with the Dockerfile, and brings them and those of others to the node.
 * @returns the names of those for which something stands in
 */
export async function bringImages(machine: Machine): Promise<string[]> {
  const standIns = await provideImages(machine);
  for (const name of processes)
    await machine.must(
      `docker buildx build --quiet --load --file deployments/docker/Dockerfile --build-arg PROCESS=${name} ` +
        `--tag order-processing/${name}:dev .`,
    );
  await machine.must(
    `tar --create --directory /node pause | docker import --change 'ENTRYPOINT ["/pause"]' - order-processing/pause:1`,
  );
  const format = '{{.Repository}}:{{.Tag}}';
  await machine.must(
    `docker save $(docker images --format '${format}' | grep --invert-match '<none>') | ${ctr('import -')}`,
  );
  return standIns;
}

/** Gives our images one more tag on the node: a version that is the same but for its name. */
export async function tagImages(machine: Machine, tag: string): Promise<void> {
  for (const name of processes) {
    const image = `docker.io/order-processing/${name}`;
    await machine.must(ctr(`tag ${image}:dev ${image}:${tag}`));
  }
}

function ctr(command: string): string {
  return `/node/bin/ctr --address ${containerdSocket} --namespace k8s.io images ${command}`;
}
