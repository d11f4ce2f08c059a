/** `/order.v1.OrderService/CreateOrder` as `order.v1.OrderService/CreateOrder`. */
export function methodName(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path;
}
