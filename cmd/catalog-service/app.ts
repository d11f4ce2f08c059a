import { catalogHandlers, catalogMigrations, CatalogService } from '../../pkg/catalog/index.js';
import { defineService } from '../../pkg/service/index.js';

export const catalogService = defineService({
  name: 'catalog-service',
  ports: { grpc: 50054, metrics: 9467 },
  settings: {},
  configure: () => ({}),
  migrations: catalogMigrations,
  hasIdempotencyKeys: true,
  build: ({ db }) => catalogHandlers(new CatalogService({ db })),
});
