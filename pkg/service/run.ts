import { parseArgs } from 'node:util';
import {
  ConfigError,
  describeSettings,
  loadEnvironment,
  type Environment,
  type Settings,
} from '../config/index.js';
import { createLogger, type Logger } from '../observability/index.js';
import { Scope } from '../runtime/index.js';

/** How a process is configured and started. */
export interface Program<C> {
  /** All environment variables of the process. */
  readonly settings: Settings;
  /** @throws ConfigError */
  configure(env: Environment): C;
  /** Opens the resources of the process. `scope` owns the resources and closes them last-in first-out. */
  start(config: C, scope: Scope): Promise<unknown>;
  /** Applies the pending migrations of the database and returns their names. */
  migrate?(config: C): Promise<readonly string[]>;
}

/** A shutdown that takes longer than this is aborted: the process exits with code 1. */
const shutdownTimeoutMs = 60_000;

/**
 * Runs a process to its end. With `--check-config`, the process prints the settings and their problems. With
 * `--migrate`, the process migrates the database. Otherwise the process runs until SIGTERM or SIGINT. A process with
 * an IPC channel to its parent also ends when the parent disconnects. Sets `process.exitCode` to 1 on failure.
 */
export async function run<C>(name: string, program: Program<C>): Promise<void> {
  const logger = createLogger({ service: name, logLevel: 'info', logFormat: configuredLogFormat() });
  try {
    await runCommand(name, program, logger);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof ConfigError)
      logger.fatal({ problems: error.problems }, 'the configuration is invalid');
    else logger.fatal({ err: error }, 'the process failed');
  }
}

/** Reads only LOG_FORMAT, because the logger must exist before the configuration is validated. */
function configuredLogFormat(): 'json' | 'pretty' {
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
  logger.info({ applied }, 'database migrated');
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
    if (process.send) process.once('disconnect', () => resolve('parent disconnected'));
    // The parent may have disconnected before the listener was added.
    if (process.send && !process.connected) resolve('parent disconnected');
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
    const timer = setTimeout(() => process.exit(1), shutdownTimeoutMs);
    await scope.close().finally(() => {
      clearTimeout(timer);
      if (process.connected) process.disconnect();
    });
  }
}
