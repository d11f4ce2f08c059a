import type { Logger } from './logger.js';

const toggles = new Set<() => void>();

function toggleAll(): void {
  for (const toggle of toggles) toggle();
}

/**
 * From now on SIGUSR2 switches `logger` between its level and `debug`, and says so in one line whatever
 * the levels are; not on Windows, which has no such signal. A process has one handler for all its loggers.
 */
export function debugOnSignal(logger: Logger): { close(): void } {
  if (process.platform === 'win32') return { close: () => undefined };
  const configured = logger.level;
  const verbose = configured === 'trace' ? 'trace' : 'debug';
  const toggle = (): void => {
    const level = logger.level === verbose ? configured : verbose;
    logger.level = verbose;
    logger.info({ log_level: level }, 'log level changed');
    logger.level = level;
  };
  if (toggles.size === 0) process.on('SIGUSR2', toggleAll);
  toggles.add(toggle);
  return {
    close: () => {
      toggles.delete(toggle);
      if (toggles.size === 0) process.off('SIGUSR2', toggleAll);
    },
  };
}
