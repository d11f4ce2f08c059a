import type { Environment } from '../../pkg/config/index.js';
import { DeployError } from './kubectl.js';

/** @throws DeployError when the value is not a number or is negative */
export function numberOf(env: Environment, name: string, fallback: number): number {
  const text = env[name] || String(fallback);
  const value = Number(text);
  if (!(value >= 0 && Number.isFinite(value)))
    throw new DeployError(`${name} is ${text}: it must be a number, 0 or more`);
  return value;
}
