import { isSpanContextValid, trace, type Span } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import { callSite } from '../call-site.js';
import { prettyLine } from './pretty.js';
import { loggable } from './redaction.js';
import { standardOutput } from './standard-output.js';

export type { Logger } from 'pino';

export interface LoggerConfig {
  readonly service: string;
  readonly logLevel: string;
  readonly logFormat: 'json' | 'pretty';
}

/**
 * Creates a pino logger. Its lines have the documented fields `level`, `ts`, `caller`, `msg` and `service`, and
 * inside a span `trace_id` and `span_id`. Secrets are redacted. The logger writes synchronously to `destination`
 * (default: {@link standardOutput}), so that no line is lost when the process exits. Standard output drops the lines that
 * cannot be written, and calls `onDropped` with their number.
 */
export function createLogger(
  config: LoggerConfig,
  destination?: DestinationStream,
  onDropped?: (lines: number) => void,
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

/** Output for a terminal, which shows each line immediately. */
function pretty(output: DestinationStream & { flushSync?(): void }): DestinationStream {
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  return {
    write: (line) => {
      output.write(prettyLine(line, isColored));
      output.flushSync?.();
    },
  };
}

/** Returns the fields `trace_id` and `span_id` of a log line inside `span`. */
export function spanFields(span: Span | undefined): { trace_id: string; span_id: string } | undefined {
  const ids = span?.spanContext();
  return ids && isSpanContextValid(ids) ? { trace_id: ids.traceId, span_id: ids.spanId } : undefined;
}
