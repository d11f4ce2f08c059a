import { env, stderr } from 'node:process';
import { docker } from './docker.mjs';

const lines = 20;

/** Prints, for each service, the last log lines of one container that failed or is not healthy. */
export function reportUnhealthy(compose, variables) {
  const { stdout } = docker([...compose, 'ps', '--all', '--format', 'json'], {
    env: { ...env, ...variables },
  });
  const reported = new Set();
  for (const container of containersIn(stdout ?? '')) {
    const problem = problemOf(container);
    if (!problem || reported.has(container.Service)) continue;
    reported.add(container.Service);
    const { stdout: log, stderr: errors } = docker(['logs', '--tail', String(lines), container.Name]);
    stderr.write(`\n${container.Name} ${problem}. Its last lines:\n${indent(`${log}${errors}`)}\n`);
  }
}

/** Parses the output of `ps`: one JSON object per line, or one JSON array if Compose is older than 2.21. */
function containersIn(text) {
  try {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => JSON.parse(line));
  } catch {
    return [];
  }
}

function problemOf({ State, Health, ExitCode }) {
  if (State === 'restarting') return 'restarts repeatedly';
  if (['exited', 'dead'].includes(State) && ExitCode !== 0) return `ended with ${ExitCode}`;
  if (Health === 'unhealthy') return 'is unhealthy';
  if (Health === 'starting') return 'is not healthy yet';
  return undefined;
}

function indent(text) {
  const trimmed = text.trim();
  return trimmed === '' ? '  (none)' : trimmed.replaceAll(/^/gm, '  ');
}

const takenPort =
  /:(\d+) failed: port is already allocated|:(\d+): bind: address already in use|exposing port TCP \S+?:(\d+) ->/;

/** Returns advice for the error output of compose. */
export function explain(output, { TIMEOUT_SECONDS }) {
  const port = takenPort.exec(output)?.slice(1).find(Boolean);
  if (port)
    return `port ${port} of this machine is in use. 'make dev-stop' ends the programs of 'make dev-run'; 'lsof -i :${port}' shows other programs`;
  if (output.includes('no space left on device'))
    return "the disk is full. 'docker system df' shows what uses it, 'docker builder prune' removes old builds";
  if (/pull access denied|manifest unknown|not found: manifest|failed to resolve reference/.test(output))
    return 'an image could not be pulled; the lines above name it. Check REGISTRY and TAG, and the connection to the registry';
  if (/not healthy after|timeout waiting/.test(output))
    return `some containers were not healthy after ${TIMEOUT_SECONDS} s. On a slow machine, repeat the command with a longer limit: TIMEOUT_SECONDS=900 make deploy-docker`;
  return "some containers did not start; the lines above show the reason. 'make deploy-docker' can be repeated, 'make undeploy-docker' stops everything";
}
