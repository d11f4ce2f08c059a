import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import { OrderServiceService, OrderState, type Order } from '../../pkg/pb/order/v1/order.js';
import { AppError, isAppError, type Reason } from '../../pkg/errors/index.js';
import { openDatabase, sql, type Database } from '../../pkg/postgres/index.js';
import { createClient, type RpcClient, type ServiceDefinition } from '../../pkg/rpc/index.js';
import { pause, uuidv7, type Scope } from '../../pkg/runtime/index.js';
import { ReplicatedSystem, type Replica, type SettingsOf, type SystemOptions } from '../replicated-system.js';

/** A figure with its limit. */
export interface Measurement {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly ok: boolean;
}

export interface ScenarioRun {
  /** Closed after the scenario. */
  readonly scope: Scope;
  /** The short form of CI: fewer rounds and orders. */
  readonly isShort: boolean;
  readonly onProgress: (message: string) => void;
}

export interface Scenario {
  readonly name: string;
  /** Returns the reason when the scenario cannot run on this machine. */
  readonly skipReason?: () => string | undefined;
  readonly run: (run: ScenarioRun) => Promise<Measurement[]>;
}

export type OrderClient = RpcClient<OrderServiceService>;

export const sku = 'recovery';
const stockUnits = 10_000_000n;
const customers = 50;

export interface RecoverySystem {
  readonly system: ReplicatedSystem;
  readonly orders: Database;
  readonly payments: Database;
  /** Opens a client with its own connection. Closing the scope of the run closes the client. */
  client(target: string): OrderClient;
}

/** Starts a system with one product in stock. */
export async function startRecoverySystem(
  { scope, onProgress }: ScenarioRun,
  options: Pick<SystemOptions, 'replicas' | 'isNamed'> & { readonly settings: SettingsOf },
): Promise<RecoverySystem> {
  const system = await ReplicatedSystem.prepare({ ...options, name: 'bench-recovery', onProgress }, scope);
  await system.start(options.settings);
  const connect = <S extends ServiceDefinition>(definition: S, target: string): RpcClient<S> =>
    scope.use(
      createClient(definition, {
        name: '',
        target,
        timeoutMs: 60_000,
        retry: false,
        channelOptions: ownConnection,
      }),
    );
  const price = { currencyCode: 'USD', units: 10n, nanos: 0 };
  const product = { sku, name: 'Recovery', description: '', price, revision: 0n };
  await connect(CatalogServiceService, system.targets.catalog).createProduct({
    requestId: uuidv7(),
    product,
  });
  const delivery = { requestId: uuidv7(), sku, delta: stockUnits, reason: 'benchmark' };
  await connect(InventoryServiceService, system.targets.inventory).adjustStock(delivery);
  const database = async (name: string): Promise<Database> => {
    const config = {
      url: system.postgres.url(name),
      poolMax: 2,
      connectTimeoutMs: 30_000,
      statementTimeoutMs: 60_000,
    };
    return scope.use(await openDatabase(config, { warn: () => undefined }));
  };
  return {
    system,
    orders: await database('orders'),
    payments: await database('payment'),
    client: (target) => connect(OrderServiceService, target),
  };
}

const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };

export interface Placement {
  readonly paymentMethod?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Places one order and returns the order, or the reason of the failure. */
export async function place(
  client: OrderClient,
  { paymentMethod = 'pm_approve', ...options }: Placement = {},
): Promise<Order | Reason> {
  const request = {
    requestId: uuidv7(),
    customerId: `customer-${Math.floor(Math.random() * customers)}`,
    items: [{ sku, quantity: 1n }],
    paymentMethod,
  };
  try {
    const { order } = await client.createOrder(request, options);
    return order ?? 'INTERNAL';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.reason;
  }
}

/** Places an order and repeats until the order is accepted, as clients of a busy service do. */
export async function placeAccepted(client: OrderClient, placement: Placement): Promise<Order> {
  for (;;) {
    const result = await place(client, placement);
    if (typeof result === 'object') return result;
    if (result !== 'OVERLOADED') throw new AppError({ reason: result, message: 'an order was not accepted' });
    await pause(100, placement.signal);
  }
}

export function isConfirmed(order: Order | Reason): order is Order {
  return typeof order === 'object' && order.state === OrderState.CONFIRMED;
}

/** Runs `count` tasks, at most `concurrency` at a time. */
export async function repeat<T>(
  count: number,
  concurrency: number,
  task: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await task(index);
  };
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, worker));
  return results;
}

const countByState = sql(
  'bench.count_orders',
  'select count(*)::int as count from orders where state = $state',
);

export async function countOrders(orders: Database, state: string): Promise<number> {
  const [row] = await orders.query<{ count: number }>(countByState({ state }));
  return row?.count ?? 0;
}

/** Polls until `probe` returns true. Returns the elapsed time in ms, or `timeoutMs` when it does not. */
export async function timeUntil(probe: () => Promise<boolean>, timeoutMs: number): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < timeoutMs) {
    if (await probe()) return performance.now() - started;
    await pause(25);
  }
  return timeoutMs;
}

/** Sums a metric of a replica over all its series. */
export async function metricOf({ metricsPort }: Replica, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
    signal: AbortSignal.timeout(20_000),
  });
  const found = (await response.text()).matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'));
  return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
}

export function atMost(name: string, measured: number, limit: number, unit = ''): Measurement {
  const format = (value: number): string => `${Number(value.toFixed(2))}${unit}`;
  return { name, measured: format(measured), limit: `<= ${format(limit)}`, ok: measured <= limit };
}

export function exactly(name: string, measured: number, expected: number): Measurement {
  return { name, measured: String(measured), limit: `= ${expected}`, ok: measured === expected };
}

export function moreThan(name: string, measured: number, least: number): Measurement {
  return { name, measured: String(measured), limit: `> ${least}`, ok: measured > least };
}
