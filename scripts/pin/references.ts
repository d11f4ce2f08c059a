/** An action of a workflow: `uses: owner/repo/path@ref # version`. */
export interface ActionUse {
  /** Text of the reference, from `uses:` to the version. */
  readonly text: string;
  /** `owner/repo`. */
  readonly repository: string;
  /** Folder of the action in the repository, with a leading slash; empty for an action in the root. */
  readonly folder: string;
  readonly ref: string;
  /** First word of the comment after the reference. */
  readonly version: string | undefined;
}

export interface ImageUse {
  /** As written: `postgres:18.6-alpine3.24`, possibly with a digest. */
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

/** Returns the third-party images in a manifest, compose file or Dockerfile, except references that contain variables. */
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

/** A name whose first part has a dot begins with its registry. All other names are on Docker Hub; `node` is `library/node`. */
function placeOf(name: string): { registry: string; repository: string } {
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && first.includes('.')) return { registry: first, repository: rest.join('/') };
  return { registry: 'registry-1.docker.io', repository: rest.length === 0 ? `library/${name}` : name };
}

/** Adds the digest to every occurrence of the reference, including those in labels. */
export function withDigest(text: string, reference: string, digest: string): string {
  const whole = new RegExp(
    `${reference.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?![@\\w.-])`,
    'g',
  );
  return text.replaceAll(whole, `${reference}@${digest}`);
}
