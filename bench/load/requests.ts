import {
  CancelOrderRequest,
  CreateOrderRequest,
  GetOrderRequest,
  OrderState,
  RefundOrderRequest,
} from '../../pkg/pb/order/v1/order.js';
import { CreateProductRequest } from '../../pkg/pb/catalog/v1/catalog.js';
import { AdjustStockRequest, GetStockRequest } from '../../pkg/pb/inventory/v1/inventory.js';
import { requestIdPlaceholder, type PlacedOrder, type Requests } from './load-run.js';

const requestId = requestIdPlaceholder;
const customers = 1000;
const orderService = '/order.v1.OrderService';

export interface OrderOptions {
  readonly skus: readonly string[];
  readonly lines?: number;
  readonly paymentMethod?: string;
  readonly expects?: OrderState;
}

/** One order of each customer. The SKUs cycle through `skus`. */
export function createOrders(options: OrderOptions): Requests {
  const { skus, lines = 1, paymentMethod = 'pm_approve', expects = OrderState.CONFIRMED } = options;
  const frames = Array.from({ length: customers }, (_, number) => {
    const items = Array.from({ length: lines }, (__, line) => ({
      sku: skus[(number * lines + line) % skus.length] ?? '',
      quantity: 1n,
    }));
    const request = { requestId, customerId: `bench-${number}`, items, paymentMethod };
    return frame(CreateOrderRequest.encode(CreateOrderRequest.fromPartial(request)).finish());
  });
  return { path: `${orderService}/CreateOrder`, frames, expects };
}

export function getOrders(orders: readonly PlacedOrder[]): Requests {
  return {
    path: `${orderService}/GetOrder`,
    frames: orders.map((order) => frame(GetOrderRequest.encode(order).finish())),
  };
}

export function cancelOrders(orders: readonly PlacedOrder[]): Requests {
  const cancel = (order: PlacedOrder) => ({ ...order, requestId, reason: 'benchmark', actor: undefined });
  return {
    path: `${orderService}/CancelOrder`,
    frames: orders.map((order) => frame(CancelOrderRequest.encode(cancel(order)).finish())),
    once: true,
    expects: OrderState.CANCELLED,
  };
}

/** Refunds of the smallest amount. */
export function refundOrders(orders: readonly PlacedOrder[]): Requests {
  const amount = { currencyCode: 'USD', units: 0n, nanos: 10_000_000 };
  const refund = ({ orderId }: PlacedOrder) => ({
    requestId,
    orderId,
    amount,
    actor: 'bench',
    reason: 'bench',
  });
  return {
    path: `${orderService}/RefundOrder`,
    frames: orders.map((order) => frame(RefundOrderRequest.encode(refund(order)).finish())),
    expects: OrderState.CONFIRMED,
  };
}

export function getStock(skus: readonly string[]): Requests {
  return {
    path: '/inventory.v1.InventoryService/GetStock',
    frames: skus.map((sku) => frame(GetStockRequest.encode(GetStockRequest.fromPartial({ sku })).finish())),
  };
}

export function createProducts(skus: readonly string[]): Requests {
  const price = { currencyCode: 'USD', units: 10n, nanos: 0 };
  const create = (sku: string) =>
    CreateProductRequest.fromPartial({ requestId, product: { sku, name: sku, price } });
  return {
    path: '/catalog.v1.CatalogService/CreateProduct',
    frames: skus.map((sku) => frame(CreateProductRequest.encode(create(sku)).finish())),
  };
}

export function adjustStocks(skus: readonly string[], delta: bigint): Requests {
  const adjust = (sku: string) =>
    AdjustStockRequest.fromPartial({ requestId, sku, delta, reason: 'benchmark' });
  return {
    path: '/inventory.v1.InventoryService/AdjustStock',
    frames: skus.map((sku) => frame(AdjustStockRequest.encode(adjust(sku)).finish())),
  };
}

/** Adds the prefix of gRPC: one byte for the compression and four bytes for the length. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}
