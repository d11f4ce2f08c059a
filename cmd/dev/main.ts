import { parseArgs } from 'node:util';
import { describeSettings, loadEnvironment } from '../../pkg/config/index.js';
import { runInBackground } from './commands/background.js';
import { runInForeground } from './commands/foreground.js';
import { showStatus } from './commands/status.js';
import { stopDev } from './commands/stop.js';
import { devSettings, loadDevConfig } from './config.js';
import { DevError, explain } from './errors.js';
import { print, printError } from './terminal/output.js';

const options = {
  background: { type: 'boolean' },
  stop: { type: 'boolean' },
  status: { type: 'boolean' },
  'check-config': { type: 'boolean' },
} as const;

const usage = 'usage: dev [--background | --stop | --status | --check-config]';

/** @throws DevError whose message contains the usage */
function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new DevError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

/**
 * Runs the selected command, or all processes in the foreground until Ctrl-C.
 * @returns the exit code
 */
async function main(): Promise<number> {
  const selected = readOptions();
  const env = loadEnvironment();
  if (selected['check-config']) print(`dev\n${describeSettings(env, devSettings).join('\n')}`);
  const config = loadDevConfig(env);
  if (selected['check-config']) print('configuration is valid');
  else if (selected.background) return runInBackground(config);
  else if (selected.stop) return stopDev(config);
  else if (selected.status) return showStatus(config);
  else return runInForeground(config);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  printError(explain(error));
  process.exitCode = 1;
}
