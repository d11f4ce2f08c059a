// Exits with 0 when HEAD is a commit of main on which CI succeeded. Waits at most WAIT_SECONDS for CI to end.
// Imports no packages, because the workflow installs none. GitHub Actions sets GITHUB_API_URL and GITHUB_REPOSITORY.
// GITHUB_TOKEN must have the permission `actions: read`. The checkout must contain the history of main (fetch-depth: 0).
import { spawnSync } from 'node:child_process';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN, WAIT_SECONDS, POLL_SECONDS } = env;
const waitMs = Number(WAIT_SECONDS || 6000) * 1000;
const pollMs = Number(POLL_SECONDS || 30) * 1000;
/** Longest time from a push until the CI run of the commit appears. */
const appearMs = Math.min(waitMs, 120_000);

const say = (text) => void process.stdout.write(`${text}\n`);

class NotGreen extends Error {}

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return { isTrue: status === 0, text: stdout.trim() };
}

/** Returns the newest CI run of the commit. Runs of pull requests do not count, because they test a merge commit. */
async function newestRun(commit) {
  const runs = `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/actions/workflows/ci.yml/runs`;
  const answer = await fetch(`${runs}?head_sha=${commit}&per_page=100`, {
    headers: { accept: 'application/vnd.github+json', authorization: `Bearer ${GITHUB_TOKEN}` },
    signal: AbortSignal.timeout(30_000),
  });
  if ([401, 403, 404].includes(answer.status))
    throw new NotGreen(`GitHub rejects the query: ${answer.status} ${answer.statusText}`);
  if (!answer.ok) throw new Error(`GitHub answers ${answer.status}`);
  const { workflow_runs: found } = await answer.json();
  const own = found.filter(({ event, head_sha: sha }) => event !== 'pull_request' && sha === commit);
  return own.toSorted((a, b) => b.run_number - a.run_number)[0];
}

/**
 * Returns the state of an unfinished CI run, or undefined when CI succeeded.
 * @throws NotGreen when CI failed or never ran
 */
async function pendingState(commit, waitedMs) {
  const run = await newestRun(commit);
  if (run?.status === 'completed' && run.conclusion === 'success') return undefined;
  if (run?.status === 'completed')
    throw new NotGreen(`CI on ${commit} ended with ${run.conclusion}: ${run.html_url}`);
  if (!run && waitedMs >= appearMs)
    throw new NotGreen(`CI never ran on ${commit}: run CI on this branch or tag, then run this job again`);
  return run ? `CI is ${run.status}: ${run.html_url}` : 'CI has not started';
}

async function awaitCi(commit) {
  if (!git('merge-base', '--is-ancestor', commit, 'origin/main').isTrue)
    throw new NotGreen(`${commit} is not on main`);
  const start = Date.now();
  for (;;) {
    const waitedMs = Date.now() - start;
    const state = await pendingState(commit, waitedMs).catch((error) => {
      if (error instanceof NotGreen) throw error;
      return `GitHub does not answer: ${error.message}`;
    });
    if (state === undefined) return say(`${commit} is on main, and CI is successful`);
    if (waitedMs >= waitMs) throw new NotGreen(`waited ${waitMs / 1000} s: ${state}`);
    say(state);
    await delay(pollMs);
  }
}

try {
  await awaitCi(git('rev-parse', 'HEAD').text);
} catch (error) {
  if (!(error instanceof NotGreen)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
