/** An action of a workflow: `uses: owner/repo/path@ref # version`. */
export interface ActionUse {
  /** The whole match, to be replaced. */
  readonly text: string;
  /** `owner/repo`. */
  readonly repository: string;
  /** What follows in the reference: a folder with a slash before it, or nothing. */
  readonly folder: string;
  readonly ref: string;
  /** What the comment says. */
  readonly version: string | undefined;
}

export interface ImageUse {
  /** As it is written: `postgres:18.6-alpine3.24`, perhaps with a digest. */
  readonly reference: string;
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest?: string;
}

const usesLine = /\buses:[ ]*([\w.-]+\/[\w.-]+)((?:\/[\w.-]+)*)@([^\s#]+)(?:[ ]+#[ ]*(\S+))?/g;
const imageLine = /^[ -]*image:[ ]*["']?([^\s"'#]+)["']?/gm;
const fromLine = /^FROM[ ]+(?:--\S+[ ]+)*(\S+)/gm;
const imageParts = /^((?:[\w.-]+\/)*[\w.-]+):([\w.-]+)(?:@(sha256:[0-9a-f]{64}))?$/;

export const isCommit = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);

export function actionsIn(text: string): ActionUse[] {
  return [...text.matchAll(usesLine)].map(([match, repository = '', folder = '', ref = '', version]) => ({
    text: match,
    repository,
    folder,
    ref,
    version,
  }));
}

/** Images of others in manifests, compose files and Dockerfiles. Ours, and what variables name, are left out. */
export function imagesIn(text: string): ImageUse[] {
  const found = [...text.matchAll(imageLine), ...text.matchAll(fromLine)].map(
    ([, reference = '']) => reference,
  );
  return [...new Set(found)].flatMap((reference) => {
    const [, name = '', tag = '', digest] = imageParts.exec(reference) ?? [];
    if (name === '' || name.startsWith('order-processing/')) return [];
    return [{ reference, ...placeOf(name), tag, ...(digest !== undefined && { digest }) }];
  });
}

/** A first part with a dot is a registry; without one it is Docker Hub, where single names belong to `library`. */
function placeOf(name: string): { registry: string; repository: string } {
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && first.includes('.')) return { registry: first, repository: rest.join('/') };
  return { registry: 'registry-1.docker.io', repository: rest.length === 0 ? `library/${name}` : name };
}

/** Adds the digest wherever the reference stands, also in labels. */
export function withDigest(text: string, reference: string, digest: string): string {
  const whole = new RegExp(
    `${reference.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?![@\\w.-])`,
    'g',
  );
  return text.replaceAll(whole, `${reference}@${digest}`);
}
