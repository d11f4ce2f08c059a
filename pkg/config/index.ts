export * from './environment.js';
export * from './read.js';
export * from './setting.js';
