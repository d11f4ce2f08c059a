import { catalogSettings, loadCatalogConfig } from '../../pkg/catalog/config.js';
import { run } from '../../pkg/runtime/index.js';
import { migrateCatalog, startCatalog } from './app.js';

await run('catalog-service', {
  settings: catalogSettings,
  configure: loadCatalogConfig,
  start: startCatalog,
  migrate: migrateCatalog,
});
