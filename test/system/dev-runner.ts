// A program that uses the services and may be killed at any time; started by a test.
import { startDev } from '../../cmd/dev/child.js';
import { dataDir, logDir } from './dev-process.js';

const dev = await startDev({ dataDir, logDir, env: { DEV_SEED: 'false' } });
process.stdout.write(`${JSON.stringify(dev.addresses)}\n`);
// It keeps running because the channel to its child stays open.
