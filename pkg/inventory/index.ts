export * from './changes.js';
export * from './config.js';
export * from './grpc.js';
export * from './metrics.js';
export * from './migrations.js';
export { ReservationBatches } from './reservations/batches.js';
export * from './service.js';
export * from './watch/stock-watch.js';
