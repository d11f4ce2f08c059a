import {
  connectPorts,
  orderConfig,
  orderHandlers,
  orderMigrations,
  orderSettings,
} from '../../pkg/order/index.js';
import { defineService } from '../../pkg/service/index.js';
import { startOrders } from './orders.js';

export const orderService = defineService({
  name: 'order-service',
  ports: { grpc: 50051, metrics: 9464 },
  settings: orderSettings,
  configure: orderConfig,
  migrations: orderMigrations,
  hasIdempotencyKeys: true,
  build: async (resources, scope) => {
    const { telemetry, transport, batching } = resources;
    const { addresses, saga, priceMaxAgeMs } = resources.config;
    const ports = connectPorts(
      { addresses, telemetry, transport, batching, timeoutMs: saga.stepTimeoutMs, priceMaxAgeMs },
      scope,
    );
    return orderHandlers(await startOrders({ ...resources, ports }, scope));
  },
});
