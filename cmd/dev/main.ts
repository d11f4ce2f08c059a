import { describeSettings, loadEnvironment } from '../../pkg/config/index.js';
import { runInBackground } from './background.js';
import { devSettings, loadDevConfig } from './config.js';
import { explain } from './dev-error.js';
import { readOptions } from './options.js';
import { showStatus } from './status.js';
import { stopDev } from './stop.js';
import { supervise } from './supervise.js';
import { print, printProblem } from './terminal.js';

/** Without an option: runs in the foreground until Ctrl-C. */
async function main(): Promise<number> {
  const options = readOptions();
  const env = loadEnvironment();
  if (options['check-config']) print(`dev\n${describeSettings(env, devSettings).join('\n')}`);
  const config = loadDevConfig(env);
  if (options['check-config']) print('configuration is valid');
  else if (options.background) return runInBackground(config);
  else if (options.stop) return stopDev(config);
  else if (options.status) return showStatus(config);
  else return supervise(config);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  printProblem(explain(error));
  process.exitCode = 1;
}
