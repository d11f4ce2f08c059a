import { spawnSync } from 'node:child_process';
import type { Environment } from '../../pkg/config/index.js';

const limitMs = 30_000;

/** The commit that a tag of a repository means, or why it cannot be known. */
export type TagReader = (
  repository: string,
  tag: string,
) => { readonly commit: string } | { readonly reason: string };

/** Reads tags below `base`, such as `https://github.com`. */
export function gitTags(base: string, env: Environment): TagReader {
  const known = new Map<string, ReturnType<TagReader>>();
  const ask: TagReader = (repository, tag) => {
    const name = `refs/tags/${tag}`;
    const options = {
      encoding: 'utf8',
      timeout: limitMs,
      env: { ...env, GIT_TERMINAL_PROMPT: '0' },
    } as const;
    const asked = spawnSync('git', ['ls-remote', `${base}/${repository}`, name, `${name}^{}`], options);
    if (asked.error || asked.status !== 0) return { reason: asked.error?.message ?? lastLine(asked.stderr) };
    const refs = new Map(
      asked.stdout.split('\n').map((line) => line.split('\t', 2).toReversed() as [string, string]),
    );
    // An annotated tag is an object of its own; what it points to is the second.
    const commit = refs.get(`${name}^{}`) ?? refs.get(name);
    return commit === undefined ? { reason: `it has no tag ${tag}` } : { commit };
  };
  return (repository, tag) => {
    const name = `${repository}@${tag}`;
    const answer = known.get(name) ?? ask(repository, tag);
    known.set(name, answer);
    return answer;
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
