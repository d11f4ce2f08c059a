/** One environment variable: how to read it and what it is for. */
export interface Setting<T> {
  /** Shown in the documentation, such as `integer` or `duration`. */
  readonly type: string;
  readonly help: string;
  /** As it would be written in the environment; undefined: the variable is required. */
  readonly fallback: string | undefined;
  /** Whether the value must not be shown. */
  readonly secret: boolean;
  /** @throws Error whose message completes "NAME …" */
  parse(text: string): T;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type Values<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

interface Described {
  readonly help: string;
  readonly default?: string;
}

function setting<T>(type: string, described: Described, parse: (text: string) => T): Setting<T> {
  return { type, help: described.help, fallback: described.default, secret: false, parse };
}

export function text(described: Described): Setting<string> {
  return setting('text', described, (value) => value);
}

/** A URL that may hold a password; shown without it. */
export function secretUrl(described: Described & { readonly protocols: readonly string[] }): Setting<string> {
  const { protocols } = described;
  const parse = (value: string): string => {
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol))
      throw new Error(`must be a URL that starts with ${protocols.join('// or ')}//`);
    return value;
  };
  return { ...setting('URL', described, parse), secret: true };
}

export function integer(
  described: Described & { readonly min: number; readonly max: number },
): Setting<number> {
  const { min, max } = described;
  return setting('integer', described, (value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return number;
  });
}

/** A TCP port; 0 means any free one. */
export function port(described: Described): Setting<number> {
  return { ...integer({ ...described, min: 0, max: 65_535 }), type: 'port' };
}

export function ratio(described: Described): Setting<number> {
  return setting('ratio', described, (value) => {
    const number = Number(value);
    if (value.trim() === '' || !(number >= 0 && number <= 1)) throw new Error('must be a number from 0 to 1');
    return number;
  });
}

export function flag(described: Described): Setting<boolean> {
  return setting('flag', described, (value) => {
    if (value !== 'true' && value !== 'false') throw new Error('must be true or false');
    return value === 'true';
  });
}

export function oneOf<const T extends string>(
  described: Described & { readonly values: readonly T[] },
): Setting<T> {
  return setting(described.values.join(' \\| '), described, (value) => {
    const found = described.values.find((known) => known === value);
    if (found === undefined) throw new Error(`must be one of ${described.values.join(', ')}`);
    return found;
  });
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A span of time such as `250ms`, `5s`, `15m`, `24h`; read as milliseconds. */
export function duration(
  described: Described & { readonly min: string; readonly max: string },
): Setting<number> {
  const [min, max] = [milliseconds(described.min), milliseconds(described.max)];
  return setting('duration', described, (value) => {
    const ms = milliseconds(value);
    if (!(ms >= min && ms <= max))
      throw new Error(
        `must be a duration from ${described.min} to ${described.max}, such as 250ms, 5s, 15m or 24h`,
      );
    return ms;
  });
}

function milliseconds(value: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(value);
  return match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN;
}

/** `host:port` of a gRPC server, or any grpc-js target such as `dns:///name:port`. */
export function address(described: Described): Setting<string> {
  return setting('address', described, (value) => {
    if (!/^[\w.:/[\]-]+:\d{1,5}$/.test(value)) throw new Error('must be an address such as localhost:50051');
    return value;
  });
}
