import { spawn, spawnSync } from 'node:child_process';
import { env, stderr } from 'node:process';

/** First version of Docker Compose that supports `include` in compose.yaml. */
const oldestCompose = [2, 20, 3];

/** Runs docker to its end and captures its output. */
export function docker(args, options) {
  return spawnSync('docker', args, { encoding: 'utf8', ...options });
}

/** Runs docker with the streams of this process; returns the exit code of docker. */
export function showDocker(args, variables = {}) {
  return docker(args, { stdio: 'inherit', env: { ...env, ...variables } }).status ?? 1;
}

/** Runs docker like {@link showDocker}, and also returns what docker wrote to standard error. */
export function recordDocker(args, variables) {
  const child = spawn('docker', args, {
    stdio: ['inherit', 'inherit', 'pipe'],
    env: { ...env, ...variables },
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text;
    stderr.write(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Returns the reason why this machine cannot run containers, or undefined if it can. */
export function engineProblem() {
  if (docker(['--version']).error) return 'docker is not installed: https://docs.docker.com/engine/install';
  const compose = docker(['compose', 'version', '--short']);
  if (compose.status !== 0) return 'docker has no compose plugin: https://docs.docker.com/compose/install';
  if (isOld(compose.stdout))
    return `docker compose ${compose.stdout.trim()} is too old: ${oldestCompose.join('.')} or newer is needed`;
  const { status, stderr: reason } = docker(['info']);
  if (status === 0) return undefined;
  if (reason.includes('permission denied'))
    return 'this user has no access to the container engine: https://docs.docker.com/engine/install/linux-postinstall';
  return `no container engine answers: start Docker, or set DOCKER_HOST (${lastLine(reason)})`;
}

/** Returns whether a version is older than `oldestCompose`. A version without numbers counts as new. */
function isOld(version) {
  const parts = version.match(/\d+/g)?.map(Number);
  if (!parts) return false;
  const at = oldestCompose.findIndex((part, index) => parts[index] !== part);
  return at >= 0 && (parts[at] ?? 0) < oldestCompose[at];
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
