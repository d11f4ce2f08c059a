export * from './batch-queue.js';
export * from './clock.js';
export * from './ids.js';
export * from './failure-logger.js';
export * from './scope.js';
export * from './wait-limits.js';
export * from './wait.js';
