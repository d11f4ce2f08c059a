export * from './demo-products.js';
export * from './grpc.js';
export * from './migrations.js';
export * from './service.js';
