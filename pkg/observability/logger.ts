import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { callSite } from './call-site.js';

export type { Logger } from 'pino';

export interface LoggerConfig {
  readonly service: string;
  readonly logLevel: string;
  readonly logFormat: 'json' | 'pretty';
}

/** Never in a log, whoever passes them, down to two objects deep. */
const secretFields = ['payment_method', 'paymentMethod', 'password', 'authorization'];
const redactedPaths = ['', '*.', '*.*.'].flatMap((depth) => secretFields.map((field) => depth + field));

/**
 * A pino logger with the fields that users were promised: `level`, `ts`, `caller`, `msg`, `service`,
 * and `trace_id`, `span_id` inside a span. Writes to standard output unless given a destination.
 */
export function createLogger(config: LoggerConfig, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level: config.logLevel,
    base: { service: config.service },
    messageKey: 'msg',
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => ({ caller: callSite(), ...traceFields() }),
    redact: { paths: redactedPaths, censor: '[redacted]' },
  };
  if (destination) return pino(options, destination);
  if (config.logFormat === 'json') return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { timestampKey: 'ts', translateTime: 'SYS:HH:MM:ss.l' } },
  });
}

function traceFields(): { trace_id: string; span_id: string } | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : undefined;
}
