import { spawn, spawnSync } from 'node:child_process';
import { env, stderr } from 'node:process';

/** The first compose that knows `include`. */
const oldestCompose = [2, 20, 3];

/** Runs docker to its end, and keeps what it says. */
export function docker(args, options) {
  return spawnSync('docker', args, { encoding: 'utf8', ...options });
}

/** Runs docker before the eyes of whoever started us; returns its exit code. */
export function showDocker(args, variables = {}) {
  return docker(args, { stdio: 'inherit', env: { ...env, ...variables } }).status ?? 1;
}

/** The same, and returns what it said on the standard error stream, too. */
export function overhearDocker(args, variables) {
  const child = spawn('docker', args, {
    stdio: ['inherit', 'inherit', 'pipe'],
    env: { ...env, ...variables },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
    stderr.write(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code: code ?? 1, said }));
  });
}

/** Why nothing can be deployed here, if so. */
export function engineProblem() {
  if (docker(['--version']).error) return 'docker is not installed: https://docs.docker.com/engine/install';
  const compose = docker(['compose', 'version', '--short']);
  if (compose.status !== 0) return 'docker has no compose plugin: https://docs.docker.com/compose/install';
  if (isOld(compose.stdout))
    return `docker compose ${compose.stdout.trim()} is too old: ${oldestCompose.join('.')} or newer is needed`;
  const { status, stderr: reason } = docker(['info']);
  if (status === 0) return undefined;
  if (reason.includes('permission denied'))
    return 'this user may not speak to the container engine: https://docs.docker.com/engine/install/linux-postinstall';
  return `no container engine answers: start Docker, or set DOCKER_HOST (${lastLine(reason)})`;
}

/** A build of one's own may have no number. */
function isOld(version) {
  const parts = version.match(/\d+/g)?.map(Number);
  if (!parts) return false;
  const at = oldestCompose.findIndex((part, index) => parts[index] !== part);
  return at >= 0 && (parts[at] ?? 0) < oldestCompose[at];
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
