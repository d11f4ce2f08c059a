import { startTelemetry } from '../../pkg/observability/index.js';
import { aTelemetryConfig } from '../../pkg/rpc/testing/test-server.js';

// A process that only logs, for tests to send signals to. Arguments: level, format. Every line on its
// standard input makes it log a line at debug and one at info; the end of it ends the process.
const [level = 'info', format = 'json'] = process.argv.slice(2);
const telemetry = await startTelemetry(
  aTelemetryConfig({ logLevel: level as 'info', logFormat: format as 'json' }),
);
// A second one, as tests start many: one signal still means one change each.
const another = await startTelemetry(aTelemetryConfig({ service: 'another', logLevel: 'warn' }));
another.logger.warn('ready');
process.stdin.on('data', () => {
  telemetry.logger.debug('details');
  telemetry.logger.info({ order_id: 'o-1' }, 'news');
});
process.stdin.on('end', () => {
  telemetry.logger.error({ err: new Error('over', { cause: new Error('why') }) }, 'last words');
  // At once, as a process does that has crashed.
  process.exit(3);
});
