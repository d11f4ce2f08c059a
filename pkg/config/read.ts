import type { Setting, Settings, Values } from './setting.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Error with all problems of a configuration. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(`invalid configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

/**
 * Reads typed values from the environment or the defaults. An empty variable counts as unset.
 * @throws ConfigError that names every missing or invalid variable
 */
export function readSettings<S extends Settings>(env: Environment, settings: S): Values<S> {
  const problems: string[] = [];
  const values = Object.entries(settings).map(([name, setting]) => {
    try {
      return [name, readValue(env[name], setting)];
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : String(error)}`);
      return [name, undefined];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(values) as Values<S>;
}

function readValue<T>(input: string | undefined, setting: Setting<T>): T {
  const value = input === undefined || input === '' ? setting.fallback : input;
  if (value === undefined) throw new Error(`is required: ${setting.help}`);
  return setting.parse(value);
}

/** Returns one line `NAME=value` per setting, with redacted secrets, for `--check-config`. */
export function describeSettings(env: Environment, settings: Settings): string[] {
  return Object.entries(settings).map(([name, setting]) => {
    const input = env[name];
    if (input === undefined || input === '') return `${name}=${setting.fallback ?? ''} (default)`;
    return `${name}=${setting.secret ? redact(input) : input}`;
  });
}

function redact(value: string): string {
  if (!URL.canParse(value)) return '[redacted]';
  const url = new URL(value);
  if (url.password !== '') url.password = 'redacted';
  url.search = '';
  return url.host === '' ? '[redacted]' : url.toString();
}
