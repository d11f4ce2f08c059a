import { catalogSettings } from '../../pkg/catalog/config.js';
import type { Settings } from '../../pkg/config/index.js';
import { inventorySettings } from '../../pkg/inventory/index.js';
import { orderSettings } from '../../pkg/order/config.js';
import { paymentSettings } from '../../pkg/payment/config.js';

export type ServiceName = 'order-service' | 'inventory-service' | 'payment-service' | 'catalog-service';

/** What deployments must agree with: read from the code, where it is written. */
export interface Service {
  readonly name: ServiceName;
  readonly settings: Settings;
  readonly grpcPort: number;
  readonly metricsPort: number;
  /** Plain gRPC port of probes, which cannot present a certificate. */
  readonly healthPort: number;
  /** The services that it calls. */
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
  service('order-service', orderSettings),
  service('inventory-service', inventorySettings),
  service('payment-service', paymentSettings),
  service('catalog-service', catalogSettings),
];

/** Every process that has an image. */
export const processes: readonly string[] = [...services.map(({ name }) => name), 'test-client'];
