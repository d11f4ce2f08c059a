import { spawnSync } from 'node:child_process';
import type { Environment } from '../../pkg/config/index.js';

const limitMs = 30_000;

/** Returns the commit of a tag, or the reason why the commit is unknown. */
export type TagReader = (
  repository: string,
  tag: string,
) => { readonly commit: string } | { readonly reason: string };

/** Reads the tags of repositories below the URL `base`, such as `https://github.com`. */
export function gitTags(base: string, env: Environment): TagReader {
  const known = new Map<string, ReturnType<TagReader>>();
  const read: TagReader = (repository, tag) => {
    const name = `refs/tags/${tag}`;
    const options = {
      encoding: 'utf8',
      timeout: limitMs,
      env: { ...env, GIT_TERMINAL_PROMPT: '0' },
    } as const;
    const result = spawnSync('git', ['ls-remote', `${base}/${repository}`, name, `${name}^{}`], options);
    if (result.error || result.status !== 0)
      return { reason: result.error?.message ?? lastLine(result.stderr) };
    const refs = new Map(
      result.stdout.split('\n').map((line) => line.split('\t', 2).toReversed() as [string, string]),
    );
    // An annotated tag is an object of its own: its ref has the hash of this object, and the ref with `^{}` has the commit.
    const commit = refs.get(`${name}^{}`) ?? refs.get(name);
    return commit === undefined ? { reason: `it has no tag ${tag}` } : { commit };
  };
  return (repository, tag) => {
    const name = `${repository}@${tag}`;
    const answer = known.get(name) ?? read(repository, tag);
    known.set(name, answer);
    return answer;
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
