import { parseArgs } from 'node:util';
import { loadEnvironment } from '../../pkg/config/index.js';
import { isAppError } from '../../pkg/errors/index.js';
import { seedDemo } from './app.js';
import { loadSeedConfig } from './config.js';

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

try {
  const config = loadSeedConfig(loadEnvironment());
  const seeded = await seedDemo(config, (message) => process.stderr.write(`${message}\n`));
  if (values.json) process.stdout.write(`${JSON.stringify(seeded)}\n`);
} catch (error) {
  process.exitCode = 1;
  const hint = isAppError(error, 'DEPENDENCY_UNAVAILABLE') ? '; start the services with make dev-run' : '';
  process.stderr.write(`seeding failed: ${error instanceof Error ? error.message : String(error)}${hint}\n`);
}
