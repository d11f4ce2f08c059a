// make deploy-docker and undeploy-docker: the compose file, with passwords that are made once and kept in .env.
// OBSERVABILITY=0 leaves the observability stack out; VOLUMES=1 removes what is stored, too.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';

const folder = 'deployments/docker';
const settings = `${folder}/.env`;

function run(args, options) {
  return spawnSync('docker', args, { encoding: 'utf8', ...options });
}

/** Why compose cannot work here, if so. */
function problem() {
  if (run(['--version']).error) return 'docker is not installed: https://docs.docker.com/engine/install';
  if (run(['compose', 'version']).status !== 0)
    return 'docker has no compose plugin: https://docs.docker.com/compose/install';
  if (run(['info']).status !== 0) return 'no container engine answers: start Docker, or set DOCKER_HOST';
  return undefined;
}

/** Fills in the passwords of .env.example; what is there already stays. */
function writeSettings() {
  if (existsSync(settings)) return;
  const example = readFileSync(`${folder}/.env.example`, 'utf8');
  const text = example.replaceAll(
    /^(\w+_PASSWORD)=$/gm,
    (_, name) => `${name}=${randomBytes(24).toString('hex')}`,
  );
  writeFileSync(settings, text, { mode: 0o600 });
  process.stdout.write(`wrote ${settings}, with passwords of its own\n`);
}

function compose(args, variables = {}) {
  const options = { stdio: 'inherit', env: { ...env, ...variables } };
  return run(['compose', '--file', `${folder}/compose.yaml`, ...args], options).status ?? 1;
}

/** The proxy starts when every service is healthy, so this ends when the system works. */
function deploy() {
  writeSettings();
  const without = { COMPOSE_PROFILES: '', OTEL_TRACES_EXPORTER: 'none' };
  const status = compose(
    ['up', '--detach', '--build', '--remove-orphans'],
    env.OBSERVABILITY === '0' ? without : {},
  );
  if (status !== 0) return status;
  process.stdout.write(
    'orders: localhost:50051. Products to sell: make seed. To see it at work: docker compose -f deployments/docker/compose.yaml run --rm test-client\n',
  );
  if (env.OBSERVABILITY !== '0')
    process.stdout.write(
      'Grafana: http://localhost:3000 · Jaeger: http://localhost:16686 · Prometheus: http://localhost:9090\n',
    );
  return 0;
}

function undeploy() {
  writeSettings();
  const volumes = env.VOLUMES === '1' ? ['--volumes'] : [];
  return compose(['--profile', '*', 'down', '--remove-orphans', ...volumes]);
}

const missing = problem();
if (missing) process.stderr.write(`${missing}\n`);
process.exitCode = missing ? 1 : process.argv[2] === 'undeploy' ? undeploy() : deploy();
