import { CatalogServiceService } from '../../../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import {
  createClient,
  type RpcClient,
  type ServiceDefinition,
  type Transport,
} from '../../../pkg/rpc/index.js';
import type { Addresses } from '../../dev/supervisor/protocol.js';

export type OrderClient = RpcClient<OrderServiceService>;

export interface Clients {
  readonly order: OrderClient;
  readonly inventory: RpcClient<InventoryServiceService>;
  readonly payment: RpcClient<PaymentServiceService>;
  readonly catalog: RpcClient<CatalogServiceService>;
}

export interface ConnectOptions {
  /** Cancels every call. */
  readonly signal: AbortSignal;
  /** Whether the channel retries calls on UNAVAILABLE. */
  readonly retry: boolean;
  readonly transport: Transport;
}

const timeoutMs = 30_000;

export function openClients(addresses: Addresses, options: ConnectOptions): Clients {
  const connect = connector(options);
  return {
    order: connect('order-service', OrderServiceService, addresses.order),
    inventory: connect('inventory-service', InventoryServiceService, addresses.inventory),
    payment: connect('payment-service', PaymentServiceService, addresses.payment),
    catalog: connect('catalog-service', CatalogServiceService, addresses.catalog),
  };
}

/** Opens clients of the order service. Each client has its own connection, like clients on separate machines. */
export function openOrderClients(count: number, target: string, options: ConnectOptions): OrderClient[] {
  const connect = connector(options);
  return Array.from({ length: count }, () => connect('order-service', OrderServiceService, target));
}

function connector({ signal, ...options }: ConnectOptions) {
  const shared = { ...options, timeoutMs, channelOptions: { 'grpc.use_local_subchannel_pool': 1 } };
  return <S extends ServiceDefinition>(name: string, definition: S, target: string): RpcClient<S> =>
    withSignal(createClient(definition, { ...shared, name, target }), signal);
}

type Method = (request: unknown, options?: object) => unknown;

function withSignal<C extends { close(): void }>(client: C, signal: AbortSignal): C {
  const methods = Object.entries(client as Record<string, unknown>).map(([name, method]) => [
    name,
    (request: unknown, options?: object) => (method as Method)(request, { signal, ...options }),
  ]);
  return { ...(Object.fromEntries(methods) as C), close: () => client.close() };
}
