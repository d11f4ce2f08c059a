import { loadOrderConfig, orderSettings } from '../../pkg/order/config.js';
import { run } from '../../pkg/runtime/index.js';
import { migrateOrder, startOrder } from './app.js';

await run('order-service', {
  settings: orderSettings,
  configure: loadOrderConfig,
  start: startOrder,
  migrate: migrateOrder,
});
