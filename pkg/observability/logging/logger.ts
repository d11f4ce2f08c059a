import { isSpanContextValid, trace, type Span } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import { callSite } from '../call-site.js';
import { prettyLine } from './pretty.js';
import { loggable } from './redaction.js';

export type { Logger } from 'pino';

/** Maximum size of the lines that wait for an output that cannot be written; further lines are dropped. */
const maxPendingBytes = 1_048_576;

export interface LoggerConfig {
  readonly service: string;
  readonly logLevel: string;
  readonly logFormat: 'json' | 'pretty';
}

/**
 * Creates a pino logger. Its lines have the documented fields `level`, `ts`, `caller`, `msg` and `service`, and
 * inside a span `trace_id` and `span_id`. Secrets are redacted. The logger writes synchronously to `destination`
 * (default: standard output), so that no line is lost when the process exits. Standard output drops the lines that
 * cannot be written, for example because the disk is full, and calls `onDropped` for each of them.
 */
export function createLogger(
  config: LoggerConfig,
  destination?: DestinationStream,
  onDropped: () => void = () => undefined,
): Logger {
  const output = destination ?? standardOutput(onDropped);
  return pino(
    {
      level: config.logLevel,
      base: { service: config.service },
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: loggable },
      // `loggable` has already serialized the error.
      serializers: { err: (error: unknown) => error },
      // A line with `caller` also has the fields of its span.
      mixin: (fields) =>
        'caller' in fields ? {} : { caller: callSite(), ...spanFields(trace.getActiveSpan()) },
    },
    config.logFormat === 'json' ? output : pretty(output),
  );
}

function standardOutput(onDropped: () => void): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: maxPendingBytes });
  output.on('drop', onDropped);
  // A failed write is repeated with the next line. After EPIPE, pino discards all lines, because no process reads the pipe.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') return;
    onDropped();
    output.write = () => {
      onDropped();
      return true;
    };
  });
  return output;
}

function pretty(output: DestinationStream): DestinationStream {
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  return { write: (line) => output.write(prettyLine(line, isColored)) };
}

/** Returns the fields `trace_id` and `span_id` of a log line inside `span`. */
export function spanFields(span: Span | undefined): { trace_id: string; span_id: string } | undefined {
  const ids = span?.spanContext();
  return ids && isSpanContextValid(ids) ? { trace_id: ids.traceId, span_id: ids.spanId } : undefined;
}
