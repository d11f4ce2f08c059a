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
 * and `trace_id`, `span_id` inside a span. Secrets are redacted. Writes to standard output unless given a
 * destination.
 */
export function createLogger(config: LoggerConfig, destination?: DestinationStream): Logger {
  const output = destination ?? standardOutput();
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

let sharedOutput: DestinationStream | undefined;

/** One for all loggers of the process, so that their lines stay in order. */
function standardOutput(): DestinationStream {
  sharedOutput ??= perTurn(pino.destination({ dest: 1, sync: true, minLength: 16_000 }));
  return sharedOutput;
}

/**
 * Writes the lines of one turn of the event loop together: under load that is one system call for
 * many. What was logged is out before the process ends, also when an exception ends it.
 */
function perTurn(output: ReturnType<typeof pino.destination>): DestinationStream {
  let waiting = false;
  const flush = (): void => {
    waiting = false;
    output.flushSync();
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      output.write(line);
      if (waiting) return;
      waiting = true;
      setImmediate(flush);
    },
  };
}

function pretty(output: DestinationStream): DestinationStream {
  const isColored = process.stdout.isTTY && process.stdout.hasColors();
  return { write: (line) => output.write(prettyLine(line, isColored)) };
}

function traceFields(): { trace_id: string; span_id: string } | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : undefined;
}
