import { context, diag, DiagLogLevel, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Logger } from '../logging/logger.js';

/**
 * Logs the diagnostics of OpenTelemetry at debug, because OpenTelemetry repeats the same message for every failed
 * batch. For operators, {@link ObservedExporter} logs one warning per outage.
 */
export function logDiagnostics(logger: Pick<Logger, 'debug' | 'isLevelEnabled'>): void {
  const log = (message: string, ...details: readonly unknown[]): void => {
    if (!logger.isLevelEnabled('debug')) return;
    const detail = [message, ...details.map(String)].join(' ');
    // Diagnostics concern the spans of many traces, so the line has no trace id.
    context.with(ROOT_CONTEXT, () => logger.debug({ detail }, 'OpenTelemetry diagnostics'));
  };
  diag.setLogger(
    { error: log, warn: log, info: log, debug: log, verbose: log },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
