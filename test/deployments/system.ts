import { catalogService } from '../../cmd/catalog-service/app.js';
import { inventoryService } from '../../cmd/inventory-service/app.js';
import { orderService } from '../../cmd/order-service/app.js';
import { paymentService } from '../../cmd/payment-service/app.js';
import type { Settings } from '../../pkg/config/index.js';

export type ServiceName = 'order-service' | 'inventory-service' | 'payment-service' | 'catalog-service';

/** Facts of the code that deployments must match. */
export interface Service {
  readonly name: ServiceName;
  readonly settings: Settings;
  readonly grpcPort: number;
  readonly metricsPort: number;
  /** Plain gRPC port for probes, which have no certificate. */
  readonly healthPort: number;
  /** Services that this service calls. */
  readonly calls: readonly ServiceName[];
}

function service(name: ServiceName, settings: Settings): Service {
  const portOf = (variable: string): number => Number(settings[variable]?.fallback);
  const addresses = Object.keys(settings).map((variable) => /^(\w+)_SERVICE_ADDR$/.exec(variable)?.[1]);
  const called = addresses.filter((one) => one !== undefined);
  return {
    name,
    settings,
    grpcPort: portOf('GRPC_PORT'),
    metricsPort: portOf('METRICS_PORT'),
    healthPort: portOf('GRPC_PORT') + 10,
    calls: called.map((one) => `${one.toLowerCase()}-service` as ServiceName),
  };
}

export const services: readonly Service[] = [
  service('order-service', orderService.settings),
  service('inventory-service', inventoryService.settings),
  service('payment-service', paymentService.settings),
  service('catalog-service', catalogService.settings),
];

/** Every process with an image. */
export const processes: readonly string[] = [...services.map(({ name }) => name), 'test-client'];
