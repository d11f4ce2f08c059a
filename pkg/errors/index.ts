export * from './app-error.js';
export * from './reason.js';
export * from './validation.js';
