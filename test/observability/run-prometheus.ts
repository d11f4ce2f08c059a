import path from 'node:path';
import { logDir, temporaryFolder } from './places.js';
import { freePorts } from './ports.js';
import { Program } from './program.js';
import { shippedFeatures, writePrometheusConfig } from './prometheus-config.js';

/** Prometheus with the configuration and the rules that ship, on a free port, scraping `targets`. */
export async function runPrometheus(file: string, targets: Readonly<Record<string, string>>) {
  const folder = temporaryFolder('prometheus');
  const port = await freePorts('http');
  const address = `127.0.0.1:${port.http}`;
  const config = writePrometheusConfig(folder.path, { ...targets, prometheus: address });
  const program = new Program({
    name: 'prometheus',
    file,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder.path, 'data')}`,
      `--web.listen-address=${address}`,
      ...shippedFeatures(),
    ],
    logFile: path.join(logDir, 'prometheus.log'),
    readyUrl: `http://${address}/-/ready`,
  });
  return {
    start: () => program.start(),
    url: `http://${address}`,
    close: async () => {
      await program.close();
      folder.close();
    },
  };
}
