import path from 'node:path';
import { ReplicatedSystem, type Replica } from '../../bench/replicated-system.js';
import { openOrderClients, type OrderClient } from '../../cmd/test-client/context/clients.js';
import { inParallel } from '../../cmd/test-client/context/parallel.js';
import { isTerminal } from '../../cmd/audit/checks/order-states.js';
import { listOrders } from '../../cmd/test-client/context/queries.js';
import { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import type { Replay } from '../../cmd/test-client/invariants/facts.js';
import { replay } from '../../cmd/test-client/invariants/replay.js';
import { countValues, outcomeOf } from '../../cmd/test-client/output/format.js';
import type { Printer } from '../../cmd/terminal/printer.js';
import type { Environment } from '../../pkg/config/index.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import type { Order } from '../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import { plainTransport } from '../../pkg/rpc/index.js';
import { pause, type Scope } from '../../pkg/runtime/index.js';
import { audit } from '../../bench/audit.js';
import { CallFaults } from './call-faults.js';
import { startCallProxy } from './call-proxy.js';
import { historyChecks } from './check-history.js';
import { Customers } from './customers.js';
import type { FaultCounts } from './fault-counts.js';
import { callsOf, History } from './history.js';
import { Operators } from './operators.js';
import { ProcessFaults } from './process-faults.js';
import type { FaultReport } from './report.js';
import { PostgresAdmin } from './postgres-admin.js';
import { countSuccesses } from './successes.js';
import { findUnfinished, isSettled } from './unfinished.js';

export interface FaultRun {
  readonly seed: number;
  readonly minutes: number;
  /** Number of clients that place orders at the same time. */
  readonly clients: number;
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly printer: Printer;
}

const replicas = { order: 2, inventory: 2, payment: 2, catalog: 2 };
const readyTimeoutMs = 60_000;
const terminalTimeoutMs = 30_000;

/** Timeouts are short, so that faults outlast them, and reservations expire during slow payments. */
const settings: Readonly<Record<Replica['domain'], Environment>> = {
  order: { SAGA_STEP_TIMEOUT: '2s' },
  inventory: { RESERVATION_TTL: '1s', RESERVATION_SWEEP_INTERVAL: '500ms' },
  payment: {
    PAYMENT_SLOW_DELAY: '1800ms',
    PAYMENT_ACTION_DELAY: '300ms',
    PAYMENT_ACTION_TIMEOUT: '3s',
    PAYMENT_GATEWAY_TIMEOUT: '5s',
    REFUND_RESOLVE_INTERVAL: '500ms',
  },
  catalog: {},
};

/** Places orders while faults are injected; then waits until all orders are terminal and checks history and services. */
export async function runFaults(run: FaultRun): Promise<FaultReport> {
  const { seed, minutes, signal, printer } = run;
  printer.section(`Faults with seed ${seed} for ${minutes} minutes`);
  const test = await startTest(run);
  const { system, history, context, customers } = test;
  const startedAt = performance.now();
  const processFaults = await injectFaults(test, run);
  const stoppedAt = performance.now();
  await Promise.all([customers.close(), test.operators.close()]);
  const deadline = stoppedAt + terminalTimeoutMs;
  let awaited = await allOrders(context);
  while (!awaited.every(isSettled) && performance.now() < deadline && (await pause(250, signal)))
    awaited = await allOrders(context);
  const unfinished = findUnfinished(awaited, Date.now());
  const terminalSeconds = Math.round((performance.now() - stoppedAt) / 100) / 10;
  const replays = await replay(context, (await allOrders(context)).filter(isTerminal));
  const acknowledged = callsOf<unknown, Order>(history.calls, 'CreateOrder').flatMap(({ result }) =>
    result.outcome === 'ok' ? [result.value] : [],
  );
  const invariants = await audit(system, {
    acknowledged: acknowledged.map(({ orderId }) => orderId),
    file: `${test.historyFile}.acknowledged`,
  });
  const orders = await allOrders(context);
  const facts = { calls: history.calls, orders, placed: customers.placed };
  return {
    seed,
    seconds: Math.round((stoppedAt - startedAt) / 1000),
    terminalSeconds,
    historyFile: test.historyFile,
    ...countsOf(test, orders),
    processFaults,
    checks: [
      {
        title: 'No serving process ends by itself',
        violations: system.replicas.flatMap(({ crashes }) => crashes),
      },
      { title: 'All orders are terminal within 30 s after the faults', violations: unfinished },
      ...historyChecks.map(({ title, check }) => ({ title, violations: check(facts) })),
      {
        title: 'Repeated requests have the answers of the first requests',
        violations: findDifferences(replays),
      },
      ...invariants,
    ],
  };
}

/** Injects faults for the time of the run, and waits until all services are ready again. */
async function injectFaults(
  { system, postgres, history, callFaults }: Test,
  { seed, minutes, signal }: FaultRun,
): Promise<FaultCounts> {
  callFaults.isActive = true;
  const processFaults = new ProcessFaults({ system, postgres, history, seed });
  await pause(minutes * 60_000, signal);
  signal.throwIfAborted();
  callFaults.isActive = false;
  await processFaults.close();
  if (!(await system.allReady(readyTimeoutMs)))
    throw new Error('not all services are ready again after the faults');
  return processFaults.counts;
}

type Test = Awaited<ReturnType<typeof startTest>>;

/** Starts the system and the load, without faults. */
async function startTest({ seed, clients: count, scope, signal, printer }: FaultRun) {
  const onProgress = (message: string): void => printer.info(message);
  const system = await ReplicatedSystem.prepare({ name: 'faults', replicas, onProgress }, scope);
  const historyFile = path.resolve('.logs/faults', `history-${seed}.jsonl`);
  const history = new History(historyFile);
  scope.defer(() => history.close());
  const postgres = new PostgresAdmin(system.postgres.url('postgres'));
  await postgres.skipFsync();
  const callFaults = new CallFaults({ seed, history, postgres });
  await startServices(system, callFaults, scope);
  const context = scope.use(new ScenarioContext({ addresses: system.targets, dev: undefined }, signal));
  const clients = orderClients(count, system, context, scope);
  const customers = await Customers.start({ context, history, seed, clients });
  const operators = new Operators({ context, history, seed, placed: customers.placed });
  return { system, historyFile, history, postgres, callFaults, context, customers, operators };
}

function countsOf({ history, customers, callFaults }: Test, orders: readonly Order[]) {
  const placed = (order: Order) => customers.placed.get(order.requestId);
  return {
    calls: countValues(history.calls.map(({ method, result }) => `${method} ${result.outcome}`)),
    outcomes: countValues(orders.map(outcomeOf)),
    kinds: countValues(orders.map((order) => placed(order)?.kind.name ?? 'invalid')),
    actions: countValues(orders.map((order) => placed(order)?.action ?? 'invalid')),
    successes: countSuccesses(history.calls),
    callFaults: callFaults.counts,
  };
}

async function allOrders(context: ScenarioContext): Promise<Order[]> {
  return (await inParallel(context.log.customers, 8, (customer) => listOrders(context, customer))).flat();
}

/** Starts the services. Each order service calls inventory and payment through proxies of its own. */
async function startServices(system: ReplicatedSystem, faults: CallFaults, scope: Scope): Promise<void> {
  const { inventory, payment } = system.targets;
  const addresses = new Map<Replica, Environment>();
  for (const caller of system.of('order')) {
    const faultOf = (method: string) => faults.of(caller, method);
    const proxies = await Promise.all([
      startCallProxy({ definition: InventoryServiceService, target: inventory, faultOf }),
      startCallProxy({ definition: PaymentServiceService, target: payment, faultOf }),
    ]);
    for (const proxy of proxies) scope.use(proxy);
    const [inventoryProxy, paymentProxy] = proxies;
    addresses.set(caller, {
      INVENTORY_SERVICE_ADDR: inventoryProxy.address,
      PAYMENT_SERVICE_ADDR: paymentProxy.address,
    });
  }
  await system.start((replica) => ({ ...settings[replica.domain], ...addresses.get(replica) }));
}

/** A third of the clients uses all addresses of the order service; the others use one replica each. */
function orderClients(
  count: number,
  system: ReplicatedSystem,
  { signal }: ScenarioContext,
  scope: Scope,
): OrderClient[] {
  const targets = [system.targets.order, ...system.of('order').map(({ address }) => address)];
  const options = { signal, retry: false, transport: plainTransport };
  return Array.from({ length: count }, (_, number) => {
    const target = targets[number % targets.length] ?? '';
    return openOrderClients(1, target, options).map((client) => scope.use(client))[0] as OrderClient;
  });
}

function findDifferences(replays: readonly Replay[]): string[] {
  return replays.flatMap(({ request, first, repeated }) =>
    first === repeated ? [] : [`${request}: first ${first}, repeated ${repeated}`],
  );
}
