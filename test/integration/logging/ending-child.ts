import { createLogger } from '../../../pkg/observability/index.js';
import { aTelemetryConfig } from '../../support/rpc/test-server.js';

// A child process for output.test.ts. It logs lines with two loggers and ends in the way that its argument names, in the same turn
// of the event loop.
const [first, second] = [createLogger(aTelemetryConfig()), createLogger(aTelemetryConfig())];
process.once('exit', () => second.info('exit'));
first.info('one');
second.info('two');
first.info('three');
const [, , ending] = process.argv;
if (ending === 'process.exit') process.exit();
if (ending === 'an exception') throw new Error('failure');
if (ending === 'SIGKILL after an error') {
  second.error('failure');
  process.kill(process.pid, 'SIGKILL');
}
