import { existsSync } from 'node:fs';
import { stderr, stdout } from 'node:process';
import { docker, overhearDocker, showDocker } from './docker.mjs';
import { explain, reportTroubled } from './failure.mjs';
import { folder, isLocal, readSettings, settingsFile, settingsProblems, writeSettings } from './settings.mjs';

const volume = 'order-processing_postgres-data';

/** Ends when every container is healthy, or says which is not; returns the exit code. */
export async function deploy(env) {
  const settings = readSettings(env);
  const problems = [...settingsProblems(settings), ...lostPasswords()];
  if (problems.length > 0) return fail(problems.join('\n'));
  if (writeSettings()) stdout.write(`wrote ${settingsFile}, with passwords of its own\n`);
  const files = ['--file', `${folder}/compose.yaml`];
  if (settings.TLS === 'on') files.push('--file', `${folder}/tls.yaml`);
  const compose = ['compose', ...files];
  const variables =
    settings.OBSERVABILITY === '0' ? { COMPOSE_PROFILES: '', OTEL_TRACES_EXPORTER: 'none' } : {};
  return (
    obtainImages(compose, settings) ||
    (await start({ compose, settings, variables })) ||
    tell(compose, settings)
  );
}

/** Passwords are part of what the volume stores: new ones would fit no role in it. */
function lostPasswords() {
  if (existsSync(settingsFile) || docker(['volume', 'inspect', volume]).status !== 0) return [];
  return [
    `${settingsFile} is gone, and with it the passwords of the databases in the volume ${volume}.`,
    'Bring it back, or remove what is stored: make undeploy-docker VOLUMES=1',
  ];
}

/** The profile has test-client, so that it is never older than the services. */
function obtainImages(compose, { REGISTRY }) {
  const verb = REGISTRY ? 'pull' : 'build';
  const code = showDocker([...compose, '--profile', 'tools', verb]);
  if (code === 0) return 0;
  const what = REGISTRY ? `pulled from ${REGISTRY}` : 'built';
  return fail(`an image could not be ${what}; the lines above say why. Then: make deploy-docker`, code);
}

async function start({ compose, settings, variables }) {
  const wait = ['--wait', '--wait-timeout', settings.TIMEOUT_SECONDS];
  const args = [...compose, 'up', '--detach', '--no-build', '--remove-orphans', ...wait];
  const { code, said } = await overhearDocker(args, variables);
  if (code === 0) return 0;
  reportTroubled(compose, variables);
  return fail(explain(said, settings), code);
}

function tell(compose, { TLS, OBSERVABILITY, BIND }) {
  const tls = TLS === 'on' ? ' TLS=on' : '';
  const lines = [
    `orders: localhost:50051${tls && ', with mutual TLS'}. Products to sell: make seed${tls}`,
    `to see it at work: docker ${compose.join(' ')} run --rm test-client`,
  ];
  if (OBSERVABILITY !== '0')
    lines.push(
      `Grafana: http://localhost:3000, user and password are in ${settingsFile}`,
      'Jaeger: http://localhost:16686 · Prometheus: http://localhost:9090',
    );
  if (!isLocal(BIND) && !tls)
    lines.push('BIND lets other machines call everything: TLS=on asks for certificates');
  stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

function fail(message, code = 1) {
  stderr.write(`${message}\n`);
  return code;
}
