import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileOf } from '../requirements.js';
import { logDir, temporaryFolder } from './places.js';
import { Program } from './program.js';
import { freePorts } from './programs.js';

const config = path.resolve('deployments/kubernetes/logs/config.yaml');

/** Prepares the log agent with the shipped Kubernetes configuration. The agent reads the log files of a simulated node. */
export async function aLogAgent(lokiUrl: string) {
  const folder = temporaryFolder('log-agent');
  const pods = path.join(folder.path, 'pods');
  const positions = path.join(folder.path, 'positions');
  mkdirSync(positions);
  const port = await freePorts('health');
  const program = new Program({
    name: 'log-agent',
    file: fileOf('otelcol'),
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
    /** @param to base URL of the Loki that receives the lines */
    start: (to = lokiUrl) => program.start({ AGENT_LOKI_ENDPOINT: `${to}/otlp` }),
    kill: () => program.kill(),
    /** Appends lines to the log file of a container, at the path that a kubelet uses. */
    write: (pod: PodOfLog, lines: readonly string[]) => append(pods, pod, lines),
    close: () => program.close().finally(() => folder.close()),
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
