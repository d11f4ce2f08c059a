import { catalogService } from '../../cmd/catalog-service/app.js';
import { inventoryService } from '../../cmd/inventory-service/app.js';
import { orderService } from '../../cmd/order-service/app.js';
import { paymentService } from '../../cmd/payment-service/app.js';
import type { Settings } from '../../pkg/config/index.js';
import { auditSettings } from '../../cmd/audit/config.js';
import { devSettings } from '../../cmd/dev/config.js';
import { seedSettings } from '../../cmd/seed/config.js';
import { testClientSettings } from '../../cmd/test-client/config.js';

/** Settings of every program in `cmd`. */
export const processSettings: Readonly<Record<string, Settings>> = {
  order: orderService.settings,
  inventory: inventoryService.settings,
  payment: paymentService.settings,
  catalog: catalogService.settings,
  dev: devSettings,
  seed: seedSettings,
  'test-client': testClientSettings,
  audit: auditSettings,
};
