import type { Environment } from '../../pkg/config/index.js';
import { DeployError } from './kubectl.js';
import type { Manifest } from './manifests.js';

const ownImage = /^order-processing\/([a-z-]+)(?::(.+))?$/;
const digestOf = /^([a-z-]+)=(sha256:[0-9a-f]{64})$/;
const versionLabel = 'app.kubernetes.io/version';

/**
 * Sets registry, tag and digest of the images of this project from IMAGE_REGISTRY, IMAGE_TAG and IMAGE_DIGESTS, and sets
 * every version label to the tag.
 * @throws DeployError when an image has no released tag, or when IMAGE_DIGESTS is set but lacks the digest of an image
 */
export function withImages(manifests: readonly Manifest[], env: Environment): Manifest[] {
  const registry = env['IMAGE_REGISTRY'] ?? '';
  const tag = env['IMAGE_TAG'] ?? '';
  const prefix = registry === '' ? '' : `${registry.replace(/\/$/, '')}/`;
  const suffixOf = digestSuffixes(env['IMAGE_DIGESTS'] ?? '');
  const copies = structuredClone(manifests) as Manifest[];
  for (const { spec, metadata } of copies) {
    for (const container of spec?.template?.spec.containers ?? []) {
      const [, name, current] = ownImage.exec(container.image) ?? [];
      if (name === undefined) continue;
      if (tag === '' && current === 'unreleased')
        throw new DeployError(
          `no image for ${metadata.name}: set IMAGE_TAG (and IMAGE_REGISTRY) to a released version`,
        );
      container.image = `${prefix}order-processing/${name}:${tag || current || 'dev'}${suffixOf(name)}`;
    }
  }
  for (const one of copies) relabel(one, tag);
  return copies;
}

/** Sets the version label, except in selectors, which are immutable. Removes the label from a namespace. */
function relabel({ kind, metadata, spec }: Manifest, tag: string): void {
  if (kind === 'Namespace') delete metadata.labels?.[versionLabel];
  if (tag === '') return;
  for (const labels of [metadata.labels, spec?.template?.metadata?.labels])
    if (labels?.[versionLabel] !== undefined) labels[versionLabel] = tag.slice(0, 63);
}

/** Parses entries such as `order-service=sha256:…`. Returns a function from the name of a process to its suffix `@sha256:…`. */
function digestSuffixes(text: string): (name: string) => string {
  const entries = text.split(/\s+/).filter((entry) => entry !== '');
  if (entries.length === 0) return () => '';
  const digests = new Map(
    entries.map((entry) => {
      const [, name, digest] = digestOf.exec(entry) ?? [];
      if (name === undefined || digest === undefined)
        throw new DeployError(`IMAGE_DIGESTS has '${entry}': an entry is <process>=sha256:<64 hex digits>`);
      return [name, digest] as const;
    }),
  );
  return (name) => {
    const digest = digests.get(name);
    if (digest === undefined) throw new DeployError(`IMAGE_DIGESTS has no digest of ${name}`);
    return `@${digest}`;
  };
}
