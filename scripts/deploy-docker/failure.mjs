import { env, stderr } from 'node:process';
import { docker } from './docker.mjs';

const lines = 20;

/** Shows the last log lines of each container that is not well; of replicas, those of one. */
export function reportTroubled(compose, variables) {
  const { stdout } = docker([...compose, 'ps', '--all', '--format', 'json'], {
    env: { ...env, ...variables },
  });
  const told = new Set();
  for (const container of containersIn(stdout ?? '')) {
    const trouble = troubleOf(container);
    if (!trouble || told.has(container.Service)) continue;
    told.add(container.Service);
    const { stdout: log, stderr: errors } = docker(['logs', '--tail', String(lines), container.Name]);
    stderr.write(`\n${container.Name} ${trouble}. Its last lines:\n${indent(`${log}${errors}`)}\n`);
  }
}

/** One object a line; before compose 2.21 one list. */
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

function troubleOf({ State, Health, ExitCode }) {
  if (State === 'restarting') return 'ends again and again';
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

/** What to do, from what compose said. */
export function explain(said, { TIMEOUT_SECONDS }) {
  const port = takenPort.exec(said)?.slice(1).find(Boolean);
  if (port)
    return `port ${port} of this machine is taken. make dev-stop ends make dev-run; lsof -i :${port} shows who else. Then: make deploy-docker`;
  if (said.includes('no space left on device'))
    return 'the disk is full. docker system df shows what takes it, docker builder prune removes old builds';
  if (/pull access denied|manifest unknown|not found: manifest|failed to resolve reference/.test(said))
    return 'an image could not be pulled; the lines above name it. Look at REGISTRY and TAG, and at the way to the registry';
  if (/not healthy after|timeout waiting/.test(said))
    return `not everything was healthy after ${TIMEOUT_SECONDS} s. On a slow machine: TIMEOUT_SECONDS=900 make deploy-docker. It can be run again at any time`;
  return 'not everything started; the lines above say why. make deploy-docker can be run again at any time, make undeploy-docker stops all of it';
}
