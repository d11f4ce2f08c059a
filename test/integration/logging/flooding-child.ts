import { startTelemetry } from '../../../pkg/observability/index.js';
import { aTelemetryConfig } from '../../support/rpc/test-server.js';

// A child process for output.test.ts. For each message of its parent the process logs as many lines of 1000 characters as the
// message says, and responds with its metrics.
const telemetry = await startTelemetry(aTelemetryConfig());
process.on('message', (lines: number) => {
  for (let line = 0; line < lines; line += 1) telemetry.logger.info({ filler: 'x'.repeat(1000) }, 'line');
  // Lines are written at the end of the turn of the event loop.
  setImmediate(() => void telemetry.metrics.registry.metrics().then((text) => process.send?.(text)));
});
process.once('disconnect', () => void telemetry.close());
process.send?.('ready');
