import { catalogSettings } from '../pkg/catalog/config.js';
import type { Settings } from '../pkg/config/index.js';
import { inventorySettings } from '../pkg/inventory/config.js';
import { orderSettings } from '../pkg/order/config.js';
import { paymentSettings } from '../pkg/payment/config.js';
import { devSettings } from '../cmd/dev/config.js';
import { seedSettings } from '../cmd/seed/config.js';
import { testClientSettings } from '../cmd/test-client/config.js';

/** The settings of every process that reads the environment. */
export const processSettings: Readonly<Record<string, Settings>> = {
  order: orderSettings,
  inventory: inventorySettings,
  payment: paymentSettings,
  catalog: catalogSettings,
  dev: devSettings,
  seed: seedSettings,
  'test-client': testClientSettings,
};
