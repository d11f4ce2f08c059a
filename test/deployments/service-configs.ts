import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { loadInventoryConfig } from '../../pkg/inventory/index.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import type { ServiceConfig } from '../../pkg/rpc/service-config.js';
import type { ServiceName } from './system.js';

/** Reads settings as the service does. */
export const configure: Record<ServiceName, (env: Record<string, string>) => ServiceConfig> = {
  'order-service': loadOrderConfig,
  'inventory-service': loadInventoryConfig,
  'payment-service': loadPaymentConfig,
  'catalog-service': loadCatalogConfig,
};
