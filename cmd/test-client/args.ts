import { parseArgs } from 'node:util';
import { UsageError } from '../terminal/usage-error.js';

export interface LoadSize {
  readonly orders: number;
  /** Number of workers, each with one order in flight. */
  readonly concurrency: number;
}

export interface Arguments {
  /** Size of the load; undefined to run the scenarios. */
  readonly load: LoadSize | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const maxOrders = 100_000;
/** Less than the default of ORDER_MAX_IN_FLIGHT (512), so that one replica accepts all orders of a load. */
export const maxConcurrency = 500;
const defaultConcurrency = 16;

export const usage = `Usage: test-client [--orders N [--concurrency C]] [--json]

Places orders as clients do, prints the results and checks the invariants.
Without options, test-client runs nine scenarios.

  --orders N       place N orders (1 to ${maxOrders}) as a load, instead of the scenarios
  --concurrency C  orders in flight (1 to ${maxConcurrency}, default ${defaultConcurrency})
  --json           print one JSON document on standard output, progress on standard error
  --help           print this text

ORDER_SERVICE_ADDR, INVENTORY_SERVICE_ADDR, PAYMENT_SERVICE_ADDR and CATALOG_SERVICE_ADDR
select running services. Without addresses, test-client starts PostgreSQL and the services.

Exit code: 0 all checks passed, 1 a check failed or the run failed, 2 invalid usage or configuration,
128 + signal number interrupted (Ctrl-C: 130).
`;

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  const { orders, concurrency, json = false, help = false } = parse(argv);
  if (orders === undefined && concurrency !== undefined) throw new UsageError('--concurrency needs --orders');
  return { load: orders === undefined ? undefined : loadSize(orders, concurrency), json, help };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      options: {
        orders: { type: 'string' },
        concurrency: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function loadSize(orders: string, concurrency: string | undefined): LoadSize {
  return {
    orders: positiveInteger('--orders', orders, maxOrders),
    concurrency: positiveInteger('--concurrency', concurrency ?? String(defaultConcurrency), maxConcurrency),
  };
}

function positiveInteger(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new UsageError(`${option} must be a whole number from 1 to ${max}, not '${text}'`);
  return value;
}
