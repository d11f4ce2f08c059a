// make deploy-docker and make undeploy-docker. TLS=on turns on mutual TLS. OBSERVABILITY=0 leaves out the observability
// stack. TIMEOUT_SECONDS is the longest wait for healthy containers. With VOLUMES=1, undeploy-docker also removes the data.
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
