// A test starts this program and kills it while the services run.
import { startDev } from '../../cmd/dev/start-dev.js';
import { dataDir, logDir } from './dev-process.js';

const dev = await startDev({ dataDir, logDir, env: { DEV_SEED: 'false' } });
process.stdout.write(`${JSON.stringify(dev.addresses)}\n`);
// The IPC channel to the supervisor keeps this process alive.
