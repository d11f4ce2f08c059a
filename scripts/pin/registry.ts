import type { ImageUse } from './references.js';

const limitMs = 20_000;
const indexes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** Returns the digest of an image's tag, or the reason why the digest is unknown. */
export type DigestReader = (
  image: ImageUse,
) => Promise<{ readonly digest: string } | { readonly reason: string }>;

/** Reads digests over the API of the registries. If `base` is set, the registry at this URL is queried for every image. */
export function registryDigests(base?: string): DigestReader {
  return async ({ registry, repository, tag }) => {
    try {
      const url = `${base ?? `https://${registry}`}/v2/${repository}/manifests/${tag}`;
      return digestIn(await head(url));
    } catch (error) {
      const { message, cause } = error as Error;
      return { reason: cause instanceof Error ? `${message}: ${cause.message}` : message };
    }
  };
}

function digestIn(answer: Response): { readonly digest: string } | { readonly reason: string } {
  if (!answer.ok) return { reason: `the registry answers ${answer.status}` };
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';', 1);
  // A manifest that is not an index is for one architecture, so its digest would exclude the other architectures.
  if (!indexes.includes(type)) return { reason: `not an index of several architectures: ${type}` };
  const digest = answer.headers.get('docker-content-digest') ?? '';
  return /^sha256:[0-9a-f]{64}$/.test(digest) ? { digest } : { reason: 'the registry sends no digest' };
}

/** Requests the headers of a manifest. If the registry requires a token, first requests a token without credentials. */
async function head(url: string): Promise<Response> {
  const headers = { accept: indexes.join(', ') };
  const first = await fetch(url, { method: 'HEAD', headers, signal: AbortSignal.timeout(limitMs) });
  if (first.status !== 401) return first;
  const token = await tokenFor(first.headers.get('www-authenticate') ?? '');
  const authorization = `Bearer ${token}`;
  return fetch(url, {
    method: 'HEAD',
    headers: { ...headers, authorization },
    signal: AbortSignal.timeout(limitMs),
  });
}

async function tokenFor(challenge: string): Promise<string> {
  const parts = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
  );
  if (!challenge.startsWith('Bearer ') || parts['realm'] === undefined)
    throw new Error('the registry requires a password');
  const url = new URL(parts['realm']);
  for (const name of ['service', 'scope'])
    if (parts[name] !== undefined) url.searchParams.set(name, parts[name]);
  const answer = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
  if (!answer.ok) throw new Error(`the registry issues no token: ${answer.status}`);
  const { token, access_token: other } = (await answer.json()) as Record<
    'token' | 'access_token',
    string | undefined
  >;
  return token ?? other ?? '';
}
