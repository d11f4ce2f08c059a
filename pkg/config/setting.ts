import { isGrpcTarget } from './grpc-target.js';

/** Parser and documentation of one environment variable. */
export interface Setting<T> {
  /** Name of the type in the documentation, such as `integer` or `duration`. */
  readonly type: string;
  readonly help: string;
  /** Default as text; undefined when the variable is required. */
  readonly fallback: string | undefined;
  /** Whether output must redact the value. */
  readonly secret: boolean;
  /** @throws Error whose message continues after the name of the variable, such as `must be true or false` */
  parse(text: string): T;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

interface SettingOptions {
  readonly help: string;
  readonly default?: string;
}

function setting<T>(type: string, options: SettingOptions, parse: (text: string) => T): Setting<T> {
  return { type, help: options.help, fallback: options.default, secret: false, parse };
}

export function text(options: SettingOptions): Setting<string> {
  return setting('text', options, (value) => value);
}

/** A URL that may contain a password. `describeSettings` redacts the password. */
export function secretUrl(
  options: SettingOptions & { readonly protocols: readonly string[] },
): Setting<string> {
  const { protocols } = options;
  const parse = (value: string): string => {
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      throw new Error(`must be a URL that starts with ${protocols.join('// or ')}//`);
    return value;
  };
  return { ...setting('URL', options, parse), secret: true };
}

export function integer(
  options: SettingOptions & { readonly min: number; readonly max: number },
): Setting<number> {
  const { min, max } = options;
  return setting('integer', options, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return number;
  });
}

/** A TCP port; 0 selects a free port. */
export function port(options: SettingOptions): Setting<number> {
  return { ...integer({ ...options, min: 0, max: 65_535 }), type: 'port' };
}

export function ratio(options: SettingOptions): Setting<number> {
  return setting('ratio', options, (value) => {
    const number = Number(value);
    if (value.trim() === '' || !(number >= 0 && number <= 1)) throw new Error('must be a number from 0 to 1');
    return number;
  });
}

export function flag(options: SettingOptions): Setting<boolean> {
  return setting('flag', options, (value) => {
    if (value !== 'true' && value !== 'false') throw new Error('must be true or false');
    return value === 'true';
  });
}

export function oneOf<const T extends string>(
  options: SettingOptions & { readonly values: readonly T[] },
): Setting<T> {
  return setting(options.values.join(' \\| '), options, (value) => {
    const found = options.values.find((known) => known === value);
    if (found === undefined) throw new Error(`must be one of ${options.values.join(', ')}`);
    return found;
  });
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A duration such as `250ms`, `5s`, `15m` or `24h`. The value is in milliseconds. */
export function duration(
  options: SettingOptions & { readonly min: string; readonly max: string },
): Setting<number> {
  const [min, max] = [milliseconds(options.min), milliseconds(options.max)];
  return setting('duration', options, (value) => {
    const ms = milliseconds(value);
    if (!(ms >= min && ms <= max))
      throw new Error(
        `must be a duration from ${options.min} to ${options.max}, such as 250ms, 5s, 15m or 24h`,
      );
    return ms;
  });
}

function milliseconds(value: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(value);
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN;
}

/**
 * A gRPC target: `host:port`, `dns:[//authority/]name[:port]`, `ipv4:` or `ipv6:` with one or more addresses separated
 * by commas, or `unix:path`.
 */
export function address(options: SettingOptions): Setting<string> {
  return setting('address', options, (value) => {
    if (!isGrpcTarget(value))
      throw new Error('must be a gRPC target such as localhost:50051 or ipv4:10.0.0.1:50051,10.0.0.2:50051');
    return value;
  });
}
