import { isAppError, type Reason } from '../../pkg/errors/index.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import { createClient, type RpcClient, type ServiceDefinition, type Transport } from '../../pkg/rpc/index.js';
import { backoffMs, pause } from '../../pkg/runtime/index.js';

/** Clients of the audited services. The audit only calls methods that read. */
export interface Services {
  readonly order: RpcClient<OrderServiceService>;
  readonly inventory: RpcClient<InventoryServiceService>;
  readonly payment: RpcClient<PaymentServiceService>;
}

export interface Addresses {
  readonly order: string;
  readonly inventory: string;
  readonly payment: string;
}

const timeoutMs = 30_000;
const maxAttempts = 8;
const backoff = { baseMs: 100, capMs: 2000 };

/** Reasons after which a read is repeated: the service is busy, restarting or unreachable. */
const retryableReasons: ReadonlySet<Reason> = new Set<Reason>([
  'CONFLICT',
  'DEADLINE_EXCEEDED',
  'DEPENDENCY_UNAVAILABLE',
  'OVERLOADED',
  'PAYMENT_IN_DOUBT',
  'SHUTTING_DOWN',
]);

export function openServices(
  addresses: Addresses,
  { transport, signal }: { readonly transport: Transport; readonly signal: AbortSignal },
): Services & { close(): void } {
  const connect = <S extends ServiceDefinition>(name: string, definition: S, target: string): RpcClient<S> =>
    repeatingReads(createClient(definition, { name, target, transport, timeoutMs, retry: true }), signal);
  const services = {
    order: connect('order-service', OrderServiceService, addresses.order),
    inventory: connect('inventory-service', InventoryServiceService, addresses.inventory),
    payment: connect('payment-service', PaymentServiceService, addresses.payment),
  };
  return { ...services, close: () => Object.values(services).forEach((client) => client.close()) };
}

type Method = (request: unknown, options: object) => Promise<unknown>;

/** Repeats each call at most {@link maxAttempts} times, with exponential backoff. */
function repeatingReads<C extends { close(): void }>(client: C, signal: AbortSignal): C {
  const repeating =
    (method: Method) =>
    async (request: unknown): Promise<unknown> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await method(request, { signal });
        } catch (error) {
          signal.throwIfAborted();
          const isLast = attempt === maxAttempts;
          if (isLast || !isAppError(error) || !retryableReasons.has(error.reason)) throw error;
        }
        await pause(backoffMs(attempt, backoff), signal);
      }
    };
  const { close, ...methods } = client as C & Record<string, Method>;
  const wrapped = Object.entries(methods).map(([name, method]) => [name, repeating(method as Method)]);
  return { ...(Object.fromEntries(wrapped) as C), close: () => close.call(client) };
}

/** Returns undefined when the service answers that the entity does not exist. */
export async function undefinedIfMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isAppError(error) && missingReasons.has(error.reason)) return undefined;
    throw error;
  }
}

const missingReasons: ReadonlySet<Reason> = new Set<Reason>([
  'ORDER_NOT_FOUND',
  'PAYMENT_NOT_FOUND',
  'RESERVATION_NOT_FOUND',
  'STOCK_NOT_FOUND',
]);
