// make deploy-k8s, undeploy-k8s, k8s-diff and k8s-smoke-test. Variables: OVERLAY, IMAGE_REGISTRY, IMAGE_TAG,
// IMAGE_DIGESTS, TIMEOUT_SECONDS, LOGS, CONFIRM, KUBECTL, KUSTOMIZE. The context of kubectl selects the cluster.
import { loadEnvironment } from '../../pkg/config/index.js';
import { deploy, deploymentFrom, diff, smokeTest, undeploy, type Deployment } from './deploy.js';
import { contextOf, DeployError } from './kubectl.js';

const commands: Readonly<Record<string, (deployment: Deployment) => unknown>> = {
  deploy,
  undeploy,
  diff,
  'smoke-test': smokeTest,
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

try {
  const [name = ''] = process.argv.slice(2);
  const command = commands[name];
  if (!command) throw new DeployError(`commands are ${Object.keys(commands).join(', ')}`);
  const deployment = deploymentFrom(loadEnvironment(), say);
  say(`cluster: ${contextOf(deployment.kubectl) || 'no context'}`);
  await command(deployment);
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
