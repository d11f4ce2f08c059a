/** Names of fields whose values are never logged; the pattern ignores case and the separators `_` and `-`. */
const secretNames =
  /^(?:payment[_-]?method|pass(?:word|wd|phrase)|authorization|(?:set-)?cookie|(?:access|refresh|id)?[_-]?token|(?:client[_-]?)?secret|api[_-]?key|private[_-]?key|credentials?)$/i;

/** Passwords in URLs: `//user:password@host` and `?password=…`. */
const passwordOfUrl = /(\/\/[^\s/?#:@]*:)[^\s/?#@]*(?=@)/g;
const secretOfQuery = /([?&](?:password|token|secret|api_?key)=)[^&\s"']*/gi;

const redacted = '[redacted]';
const maxDepth = 6;

/**
 * Copies the fields of a log line and redacts secrets at every depth. An error is copied with its type, message, stack,
 * causes and {@link knownFields}, and an `AggregateError` also with its errors. Other fields of errors are omitted.
 */
export function loggable(fields: object): Record<string, unknown> {
  return copy(fields, 1);
}

function copy(fields: object, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of Object.keys(fields))
    shown[name] = isSecret(name) ? redacted : show(Reflect.get(fields, name), depth);
  return shown;
}

/** Cache of {@link isSecret}. The size is limited, because logged maps have an unbounded number of names. */
const knownNames = new Map<string, boolean>();

function isSecret(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const secret = secretNames.test(name);
  if (knownNames.size < 1000) knownNames.set(name, secret);
  return secret;
}

function show(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutPasswords(value);
  if (typeof value === 'bigint') return exact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) return '[too deep]';
  if (value instanceof Error) return showError(value, depth + 1);
  if (Array.isArray(value)) return value.map((item) => show(item, depth + 1));
  return isPlain(value) ? copy(value, depth + 1) : value;
}

/** Converts a bigint for JSON. Without the conversion, the JSON writer of pino would throw and catch an exception. */
function exact(value: bigint): number | string {
  const shown = Number(value);
  return Number.isSafeInteger(shown) ? shown : String(value);
}

/** Returns true for an object without a class. Instances of classes, such as dates, have their own JSON form. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function withoutPasswords(text: string): string {
  const safe = text.includes('://') ? text.replace(passwordOfUrl, `$1${redacted}`) : text;
  return safe.includes('=') ? safe.replace(secretOfQuery, `$1${redacted}`) : safe;
}

/**
 * Error fields that are logged. Other fields may contain business data: `detail` of a database driver
 * (`Failing row contains (…)`) or `input` of a URL parser.
 */
const knownFields = ['code', 'reason', 'constraint', 'table', 'column', 'syscall', 'address', 'port'];

function showError(error: Error, depth: number): Record<string, unknown> {
  const chain = [...causes(error)];
  const known = knownFields.flatMap((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' || typeof value === 'number' ? [[name, value]] : [];
  });
  const { errors } = error as { readonly errors?: unknown };
  return {
    type: /^error$/i.test(error.name) ? error.constructor.name : error.name,
    message: withoutPasswords(chain.map(({ message }) => message).join(': ')),
    stack: withoutPasswords(chain.map(({ stack, message }) => stack ?? message).join('\ncaused by: ')),
    ...Object.fromEntries(known),
    ...(Array.isArray(errors) ? { errors: errors.map((inner) => show(inner, depth)) } : {}),
  };
}

function* causes(error: Error): Iterable<Error> {
  const seen = new Set<unknown>();
  for (let cause: unknown = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    yield cause;
  }
}
