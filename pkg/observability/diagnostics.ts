import { context, diag, DiagLogLevel, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Logger } from './logger.js';

/**
 * From now on sends what OpenTelemetry says of itself to our log, at debug: it repeats itself with every batch that
 * fails. What an operator must know is said once by {@link ObservedExporter}.
 */
export function logDiagnostics(logger: Pick<Logger, 'debug' | 'isLevelEnabled'>): void {
  const log = (message: string, ...details: readonly unknown[]): void => {
    if (!logger.isLevelEnabled('debug')) return;
    const detail = [message, ...details.map(String)].join(' ');
    // It speaks from within whichever call gave it something to do.
    context.with(ROOT_CONTEXT, () => logger.debug({ detail }, 'OpenTelemetry reports'));
  };
  diag.setLogger(
    { error: log, warn: log, info: log, debug: log, verbose: log },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
