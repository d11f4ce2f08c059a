import { status } from '@grpc/grpc-js';

/** Returns a method path without its leading slash: `order.v1.OrderService/CreateOrder`. */
export function methodName(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path;
}

/** Returns the name of a status code, or `UNKNOWN` for a number that gRPC does not define but that a peer may send. */
export function statusName(code: number): string {
  return status[code] ?? 'UNKNOWN';
}

/** Caches the result of `create` for each method, so that calls do not repeat work that is equal for all calls. */
export function perMethod<T>(create: (method: string) => T): (path: string) => T {
  const created = new Map<string, T>();
  return (path) => {
    let value = created.get(path);
    if (value === undefined) {
      value = create(methodName(path));
      created.set(path, value);
    }
    return value;
  };
}
