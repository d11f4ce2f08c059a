import { existsSync } from 'node:fs';
import { stderr, stdout } from 'node:process';
import { docker, recordDocker, showDocker } from './docker.mjs';
import { explain, reportUnhealthy } from './failure.mjs';
import { folder, isLocal, readSettings, settingsFile, settingsProblems, writeSettings } from './settings.mjs';

const volume = 'order-processing_postgres-data';

/** Starts the containers and waits until all are healthy. Reports unhealthy containers. Returns the exit code. */
export async function deploy(env) {
  const settings = readSettings(env);
  const problems = [...settingsProblems(settings), ...lostPasswords()];
  if (problems.length > 0) return fail(problems.join('\n'));
  if (writeSettings()) stdout.write(`wrote ${settingsFile} with random passwords\n`);
  const files = ['--file', `${folder}/compose.yaml`];
  if (settings.TLS === 'on') files.push('--file', `${folder}/tls.yaml`);
  const compose = ['compose', ...files];
  const variables =
    settings.OBSERVABILITY === '0' ? { COMPOSE_PROFILES: '', OTEL_TRACES_EXPORTER: 'none' } : {};
  return (
    provideImages(compose, settings) ||
    (await start({ compose, settings, variables })) ||
    printAddresses(compose, settings)
  );
}

/** Returns a problem when the volume exists but .env does not: the database in the volume would reject new passwords. */
function lostPasswords() {
  if (existsSync(settingsFile) || docker(['volume', 'inspect', volume]).status !== 0) return [];
  return [
    `${settingsFile} is missing. It contained the passwords of the databases in the volume ${volume}.`,
    'Restore the file, or remove the data: make undeploy-docker VOLUMES=1',
  ];
}

/** Pulls or builds the images. The profile `tools` adds the image of test-client. */
function provideImages(compose, { REGISTRY }) {
  const verb = REGISTRY ? 'pull' : 'build';
  const code = showDocker([...compose, '--profile', 'tools', verb]);
  if (code === 0) return 0;
  const what = REGISTRY ? `pulled from ${REGISTRY}` : 'built';
  return fail(
    `an image could not be ${what}; remove the cause in the lines above, then repeat make deploy-docker`,
    code,
  );
}

async function start({ compose, settings, variables }) {
  const wait = ['--wait', '--wait-timeout', settings.TIMEOUT_SECONDS];
  const args = [...compose, 'up', '--detach', '--no-build', '--remove-orphans', ...wait];
  const { code, output } = await recordDocker(args, variables);
  if (code === 0) return 0;
  reportUnhealthy(compose, variables);
  return fail(explain(output, settings), code);
}

function printAddresses(compose, { TLS, OBSERVABILITY, BIND }) {
  const tls = TLS === 'on' ? ' TLS=on' : '';
  const lines = [
    `orders: localhost:50051${tls && ', with mutual TLS'}. Products to sell: make seed${tls}`,
    `demo scenarios: docker ${compose.join(' ')} run --rm test-client`,
  ];
  if (OBSERVABILITY !== '0')
    lines.push(
      `Grafana: http://localhost:3000, user and password are in ${settingsFile}`,
      'Jaeger: http://localhost:16686 · Prometheus: http://localhost:9090',
    );
  if (!isLocal(BIND) && !tls)
    lines.push('BIND lets other machines call every service: set TLS=on to require certificates');
  stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

function fail(message, code = 1) {
  stderr.write(`${message}\n`);
  return code;
}
