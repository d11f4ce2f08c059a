import path from 'node:path';
import { logDir, shipped, temporaryFolder } from './places.js';
import { freePorts } from './ports.js';
import { Program } from './program.js';

/** Loki as it ships, on free ports. */
export async function runLoki(file: string) {
  const folder = temporaryFolder('loki');
  const port = await freePorts('http', 'grpc');
  const program = new Program({
    name: 'loki',
    file,
    args: [
      `-config.file=${path.join(shipped, 'loki/config.yaml')}`,
      '-config.expand-env=true',
      '-ingester.min-ready-duration=0s',
    ],
    env: {
      LOKI_DATA: folder.path,
      LOKI_HTTP_HOST: '127.0.0.1',
      LOKI_HTTP_PORT: String(port.http),
      LOKI_GRPC_PORT: String(port.grpc),
    },
    logFile: path.join(logDir, 'loki.log'),
    readyUrl: `http://127.0.0.1:${port.http}/ready`,
  });
  return {
    start: () => program.start(),
    url: `http://127.0.0.1:${port.http}`,
    metrics: `127.0.0.1:${port.http}`,
    close: async () => {
      await program.close();
      folder.close();
    },
  };
}
