export * from './clock.js';
export * from './ids.js';
export * from './outage.js';
export * from './run.js';
export * from './scope.js';
export * from './wait.js';
