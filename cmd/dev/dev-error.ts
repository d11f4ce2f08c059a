import { inspect } from 'node:util';
import { ConfigError } from '../../pkg/config/index.js';

/** Something that a person can put right; the message says how. */
export class DevError extends Error {
  override readonly name = 'DevError';
}

/** What a person should read about `error`: the stack only of what nobody foresaw. */
export function explain(error: unknown): string {
  return error instanceof DevError || error instanceof ConfigError ? error.message : inspect(error);
}
