import { inspect } from 'node:util';
import { ConfigError } from '../../pkg/config/index.js';

/** An expected error. `dev` prints the message without a stack. */
export class DevError extends Error {
  override readonly name = 'DevError';
}

/** Returns the message of an expected error, or the message and stack of an unexpected error. */
export function explain(error: unknown): string {
  return error instanceof DevError || error instanceof ConfigError ? error.message : inspect(error);
}
