import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError, type Environment } from './read.js';

/**
 * Merges the file at `CONFIG_FILE` (`NAME=value` lines) with the environment, which takes precedence.
 * @throws ConfigError when the file cannot be read
 */
export function loadEnvironment(env: Environment = process.env): Environment {
  const file = env['CONFIG_FILE'];
  if (file === undefined || file === '') return env;
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...env };
  } catch (error) {
    throw new ConfigError([`CONFIG_FILE cannot be read: ${(error as Error).message}`]);
  }
}
