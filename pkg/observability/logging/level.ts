import type { Logger } from './logger.js';

const toggles = new Set<() => void>();

function toggleAll(): void {
  for (const toggle of toggles) toggle();
}

/**
 * Makes SIGUSR2 toggle the level of `logger` between its configured level and `debug`. The change is logged even
 * if the configured level is `silent`. All loggers of a process share one signal handler. Windows has no SIGUSR2;
 * the level does not change there.
 */
export function toggleDebugOnSignal(logger: Logger): { close(): void } {
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
