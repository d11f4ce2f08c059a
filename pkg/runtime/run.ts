import { parseArgs } from 'node:util';
import {
  ConfigError,
  describeSettings,
  loadEnvironment,
  type Environment,
  type Settings,
} from '../config/index.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { Scope } from './scope.js';

/** How a process is configured and started; the same functions serve tests. */
export interface Program<C> {
  /** Every variable it reads. */
  readonly settings: Settings;
  /** @throws ConfigError */
  configure(env: Environment): C;
  /** Opens everything; what it puts in `scope` is closed last-in first-out. */
  start(config: C, scope: Scope): Promise<unknown>;
  /** Brings the process's own database to its schema. */
  migrate?(config: C): Promise<readonly string[]>;
}

/** Longest time that a shutdown may take before the process ends anyway, milliseconds. */
const shutdownLimitMs = 60_000;

/**
 * Runs a process to its end: `--check-config`, `--migrate`, or until SIGTERM, SIGINT or, for the child
 * of another Node process, the end of its parent. Sets `process.exitCode`: 0 clean, 1 failed.
 */
export async function run<C>(name: string, program: Program<C>): Promise<void> {
  const logger = createLogger({ service: name, logLevel: 'info', logFormat: wantedFormat() });
  try {
    await runCommand(name, program, logger);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof ConfigError)
      logger.fatal({ problems: error.problems }, 'the configuration is invalid');
    else logger.fatal({ err: error }, 'the process failed');
  }
}

/** Needed also for what goes wrong before the configuration is read. */
function wantedFormat(): 'json' | 'pretty' {
  try {
    return loadEnvironment()['LOG_FORMAT'] === 'pretty' ? 'pretty' : 'json';
  } catch {
    return 'json';
  }
}

async function runCommand<C>(name: string, program: Program<C>, logger: Logger): Promise<void> {
  const { values } = parseArgs({
    options: { 'check-config': { type: 'boolean' }, migrate: { type: 'boolean' } },
  });
  const env = loadEnvironment();
  if (values['check-config'] === true) return checkConfig(name, program, env);
  const config = program.configure(env);
  if (values.migrate !== true) return serveUntilStopped(program, config, logger);
  if (!program.migrate) throw new Error(`${name} has no database`);
  const applied = await program.migrate(config);
  logger.info({ applied }, 'the database is at its schema');
}

function checkConfig<C>(name: string, program: Program<C>, env: Environment): void {
  process.stdout.write(`${name}\n${describeSettings(env, program.settings).join('\n')}\n`);
  try {
    program.configure(env);
    process.stdout.write('configuration is valid\n');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.exitCode = 1;
    process.stdout.write(`${error.message}\n`);
  }
}

async function serveUntilStopped<C>(program: Program<C>, config: C, logger: Logger): Promise<void> {
  const scope = new Scope();
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
    if (process.send) process.once('disconnect', () => resolve('parent is gone'));
    // It may have ended while our modules were loading.
    if (process.send && !process.connected) resolve('parent is gone');
  });
  const crashed = new Promise<never>((_resolve, reject) => {
    process.once('uncaughtException', reject);
    process.once('unhandledRejection', reject);
  });
  try {
    const cause = await Promise.race([
      program.start(config, scope).then(() => stopRequested),
      stopRequested,
      crashed,
    ]);
    logger.info({ cause }, 'stopping');
  } finally {
    const limit = setTimeout(() => process.exit(1), shutdownLimitMs);
    await scope.close().finally(() => {
      clearTimeout(limit);
      if (process.connected) process.disconnect();
    });
  }
}
