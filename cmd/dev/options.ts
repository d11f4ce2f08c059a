import { parseArgs } from 'node:util';
import { DevError } from './dev-error.js';

const options = {
  background: { type: 'boolean' },
  stop: { type: 'boolean' },
  status: { type: 'boolean' },
  'check-config': { type: 'boolean' },
} as const;

const usage = 'usage: dev [--background | --stop | --status | --check-config]';

/** @throws DevError with the usage */
export function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new DevError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}
