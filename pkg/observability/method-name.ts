import { status } from '@grpc/grpc-js';

/** `/order.v1.OrderService/CreateOrder` as `order.v1.OrderService/CreateOrder`. */
export function methodName(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path;
}

/** Name of a status, also of one that gRPC does not know: a peer may send any number. */
export function statusName(code: number): string {
  return status[code] ?? 'UNKNOWN';
}
