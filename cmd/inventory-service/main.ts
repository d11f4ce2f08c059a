import { inventorySettings, loadInventoryConfig } from '../../pkg/inventory/index.js';
import { run } from '../../pkg/runtime/index.js';
import { migrateInventory, startInventory } from './app.js';

await run('inventory-service', {
  settings: inventorySettings,
  configure: loadInventoryConfig,
  start: startInventory,
  migrate: migrateInventory,
});
