const colors = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const;

const colorOfLevel: Readonly<Record<string, keyof typeof colors>> = {
  trace: 'dim',
  debug: 'blue',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'magenta',
};

type Paint = (color: keyof typeof colors, text: string) => string;

/** Fields that have a fixed position in the line or are omitted. */
const positioned = new Set(['level', 'ts', 'caller', 'msg', 'service', 'trace_id', 'span_id', 'err']);

/**
 * Formats a JSON log line for a terminal: time of day, level, service, message, fields, trace id and, for levels
 * other than info, the call site. The stack of an error follows on separate lines.
 */
export function prettyLine(line: string, isColored: boolean): string {
  const paint: Paint = isColored
    ? (color, text) => `\u001B[${colors[color]}m${text}\u001B[0m`
    : (_, text) => text;
  const log = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const level = asText(log['level']);
  const fields = Object.entries(log)
    .filter(([name]) => !positioned.has(name))
    .map(([name, value]) => `${paint('dim', `${name}=`)}${asText(value)}`);
  const parts = [
    paint('dim', timeOfDay(asText(log['ts']))),
    paint(colorOfLevel[level] ?? 'dim', level.toUpperCase().padEnd(5)),
    asText(log['service']),
    paint('bold', asText(log['msg'])),
    ...fields,
    ...(log['trace_id'] === undefined ? [] : [paint('dim', `trace_id=${asText(log['trace_id'])}`)]),
    ...(level === 'info' ? [] : [paint('dim', `(${asText(log['caller'])})`)]),
  ];
  return `${parts.join(' ')}${stackOf(log['err'])}\n`;
}

/** Formats a time in the local time zone. */
function timeOfDay(ts: string): string {
  const time = new Date(ts);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${parts.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}

function stackOf(err: unknown): string {
  if (err === undefined) return '';
  const { stack } = (err ?? {}) as { readonly stack?: unknown };
  return `\n${typeof stack === 'string' ? stack : asText(err)}`.replaceAll('\n', '\n    ');
}
