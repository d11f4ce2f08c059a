// make deploy-docker and undeploy-docker. TLS=on: mutual TLS; OBSERVABILITY=0: without the observability stack;
// TIMEOUT_SECONDS: longest wait until all is healthy; VOLUMES=1: undeploy removes what is stored, too.
import { argv, env, stderr } from 'node:process';
import { deploy } from './deploy-docker/deploy.mjs';
import { engineProblem } from './deploy-docker/docker.mjs';
import { undeploy } from './deploy-docker/undeploy.mjs';

async function main() {
  const problem = engineProblem();
  if (!problem) return argv[2] === 'undeploy' ? undeploy(env) : deploy(env);
  stderr.write(`${problem}\n`);
  return 1;
}

process.exitCode = await main();
