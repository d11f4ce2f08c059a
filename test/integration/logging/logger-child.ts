import { startTelemetry } from '../../../pkg/observability/index.js';
import { aTelemetryConfig } from '../../support/rpc/test-server.js';

// A child process for level.test.ts with the arguments level and format. For each line of standard input the process
// logs one line at debug and one line at info. At the end of input the process exits.
const [level = 'info', format = 'json'] = process.argv.slice(2);
const telemetry = await startTelemetry(
  aTelemetryConfig({ logLevel: level as 'info', logFormat: format as 'json' }),
);
// With two loggers in the process, one signal must change the level of each logger once.
const second = await startTelemetry(aTelemetryConfig({ service: 'second', logLevel: 'warn' }));
second.logger.warn('ready');
process.stdin.on('data', () => {
  telemetry.logger.debug('debug line');
  telemetry.logger.info({ order_id: 'o-1' }, 'info line');
});
process.stdin.on('end', () => {
  telemetry.logger.error({ err: new Error('failure', { cause: new Error('cause') }) }, 'last line');
  // The process exits without a flush, as after a crash.
  process.exit(3);
});
