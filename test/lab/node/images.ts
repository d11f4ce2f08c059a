import type { Machine } from '../machine/machine.js';
import { imageProcesses } from '../dockerfile.js';
import { provideImages } from '../machine/stand-ins.js';
import { containerdSocket } from './programs.js';

/**
 * Builds the images of this project. Copies these images and the third-party images to the node.
 * @returns the images that stand-ins replace
 */
export async function bringImages(machine: Machine): Promise<string[]> {
  const standIns = await provideImages(machine);
  for (const name of imageProcesses)
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

/** Adds a tag to the images of this project on the node. A test deploys the tag as a new version, although the content is the same. */
export async function tagImages(machine: Machine, tag: string): Promise<void> {
  for (const name of imageProcesses) {
    const image = `docker.io/order-processing/${name}`;
    await machine.must(ctr(`tag ${image}:dev ${image}:${tag}`));
  }
}

function ctr(command: string): string {
  return `/node/bin/ctr --address ${containerdSocket} --namespace k8s.io images ${command}`;
}
