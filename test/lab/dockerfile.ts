import { readFileSync } from 'node:fs';

export const dockerfilePath = 'deployments/docker/Dockerfile';

interface Stage {
  readonly name: string;
  /** Name of an image or of another stage. */
  readonly from: string;
}

const text = readFileSync(dockerfilePath, 'utf8');

const stages: readonly Stage[] = [
  ...text.matchAll(/^FROM (?:--\S+ )*(?<from>\S+)(?: AS (?<name>\S+))?$/gm),
].map(({ groups }) => ({ from: groups?.['from'] ?? '', name: groups?.['name'] ?? '' }));

/** Third-party images that the stages of the Dockerfile start from. */
export const baseImages = [...new Set(stages.map(({ from }) => from))].filter((from) => from.includes(':'));

/** Processes that have an image. */
export const imageProcesses = stages.flatMap(({ name, from }) => (from === 'runtime' ? [name] : []));

/** Files and folders of the repository that the images are built from. */
export const copiedSources = [...text.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, files = '']) =>
  files
    .split(/\s+/)
    .filter((one) => !one.startsWith('--'))
    .slice(0, -1),
);
