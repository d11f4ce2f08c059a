import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import { callSite } from './call-site.js';
import { prettyLine } from './logging-pretty.js';
import { loggable } from './logging-redaction.js';

export type { Logger } from 'pino';

export interface LoggerConfig {
  readonly service: string;
  readonly logLevel: string;
  readonly logFormat: 'json' | 'pretty';
}

/**
 * A pino logger with the fields that users were promised: `level`, `ts`, `caller`, `msg`, `service`,
 * and `trace_id`, `span_id` inside a span. Secrets are redacted. Writes to standard output, unless given
 * a destination, and at once: nothing is left to be lost when the process ends.
 */
export function createLogger(config: LoggerConfig, destination?: DestinationStream): Logger {
  const output = destination ?? pino.destination({ dest: 1, sync: true });
  return pino(
    {
      level: config.logLevel,
      base: { service: config.service },
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: loggable },
      serializers: { err: (shown: unknown) => shown },
      mixin: (fields) => ({ caller: 'caller' in fields ? fields.caller : callSite(), ...traceFields() }),
    },
    config.logFormat === 'json' ? output : pretty(output),
  );
}

function pretty(output: DestinationStream): DestinationStream {
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  return { write: (line) => output.write(prettyLine(line, isColored)) };
}

function traceFields(): { trace_id: string; span_id: string } | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : undefined;
}
