import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError, type Environment } from './read.js';

/**
 * The environment of this process over the file that `CONFIG_FILE` names (`NAME=value` lines);
 * the environment wins.
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
