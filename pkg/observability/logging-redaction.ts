/** Names of fields whose values are never logged, however they are written. */
const secretNames =
  /^(?:payment[_-]?method|pass(?:word|wd|phrase)|authorization|(?:set-)?cookie|(?:access|refresh|id)?[_-]?token|(?:client[_-]?)?secret|api[_-]?key|private[_-]?key|credentials?)$/i;

/** `//user:password@host` and `?password=…`, as they stand in messages about URLs. */
const passwordOfUrl = /(\/\/[^\s/?#:@]*:)[^\s/?#@]*(?=@)/g;
const secretOfQuery = /([?&](?:password|token|secret|api_?key)=)[^&\s"']*/gi;

const redacted = '[redacted]';
const maxDepth = 6;

/** A copy of the fields of a log line without secrets, at every depth; errors show known fields only. */
export function loggable(fields: object): Record<string, unknown> {
  return copy(fields, 1);
}

function copy(fields: object, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of Object.keys(fields))
    shown[name] = isSecret(name) ? redacted : show(Reflect.get(fields, name), depth);
  return shown;
}

/** What is known of the names seen so far; as many as the code has, unless somebody logs a map. */
const seenNames = new Map<string, boolean>();

function isSecret(name: string): boolean {
  const found = seenNames.get(name);
  if (found !== undefined) return found;
  const secret = secretNames.test(name);
  if (seenNames.size < 1000) seenNames.set(name, secret);
  return secret;
}

function show(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutPasswords(value);
  if (typeof value === 'bigint') return exact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) return '[too deep]';
  if (value instanceof Error) return showError(value, depth + 1);
  if (Array.isArray(value)) return value.map((one) => show(one, depth + 1));
  return isPlain(value) ? copy(value, depth + 1) : value;
}

/** JSON has no bigint: left to the writer, each costs a thrown exception. */
function exact(value: bigint): number | string {
  const shown = Number(value);
  return Number.isSafeInteger(shown) ? shown : String(value);
}

/** Others, such as dates, know how to be written. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function withoutPasswords(text: string): string {
  const safe = text.includes('://') ? text.replace(passwordOfUrl, `$1${redacted}`) : text;
  return safe.includes('=') ? safe.replace(secretOfQuery, `$1${redacted}`) : safe;
}

/**
 * Of an error only these: drivers put rows, and URL parsers their input, into other fields of theirs
 * (`detail: "Failing row contains (…)"`).
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
    ...(Array.isArray(errors) ? { errors: errors.map((one) => show(one, depth)) } : {}),
  };
}

function* causes(error: Error): Iterable<Error> {
  const seen = new Set<unknown>();
  for (let cause: unknown = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    yield cause;
  }
}
