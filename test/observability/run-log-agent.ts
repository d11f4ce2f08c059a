import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { logDir, temporaryFolder } from './places.js';
import { freePorts } from './ports.js';
import { Program } from './program.js';

const config = path.resolve('deployments/kubernetes/logs/config.yaml');

/** The log agent of Kubernetes as it ships, on the files of a node of its own. */
export async function runLogAgent(file: string, lokiUrl: string) {
  const folder = temporaryFolder('log-agent');
  const pods = path.join(folder.path, 'pods');
  const positions = path.join(folder.path, 'positions');
  mkdirSync(positions);
  const port = await freePorts('health');
  const program = new Program({
    name: 'log-agent',
    file,
    args: [`--config=${config}`],
    env: {
      AGENT_LOG_FILES: path.join(pods, 'order-processing_*/*/*.log'),
      AGENT_POSITIONS: positions,
      AGENT_HEALTH_ADDRESS: `127.0.0.1:${port.health}`,
    },
    logFile: path.join(logDir, 'log-agent.log'),
    readyUrl: `http://127.0.0.1:${port.health}`,
  });
  return {
    /** @param to another Loki */
    start: (to = lokiUrl) => program.start({ AGENT_LOKI_ENDPOINT: `${to}/otlp` }),
    kill: () => program.kill(),
    /** Appends to the log of a container, as the kubelet lays them out. */
    write: (pod: PodOfLog, lines: readonly string[]) => append(pods, pod, lines),
    close: async () => {
      await program.close();
      folder.close();
    },
  };
}

export interface PodOfLog {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
}

const uid = '0a1b2c3d-0000-4000-8000-000000000000';

function append(pods: string, { namespace, name, container }: PodOfLog, lines: readonly string[]): void {
  const folder = path.join(pods, `${namespace}_${name}_${uid}`, container);
  mkdirSync(folder, { recursive: true });
  appendFileSync(path.join(folder, '0.log'), lines.map((line) => `${line}\n`).join(''));
}
