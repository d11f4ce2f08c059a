import { parseArgs } from 'node:util';

export interface LoadSize {
  /** Orders to place. */
  readonly orders: number;
  /** Workers, each with one order under way at a time. */
  readonly concurrency: number;
}

export interface Arguments {
  /** Set: make a load instead of playing the scenarios. */
  readonly load: LoadSize | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** The command line cannot be understood; the message says what is wrong with it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const maxOrders = 100_000;
/** Below the orders that one order service drives at once by default. */
export const maxConcurrency = 500;
const defaultConcurrency = 16;

export const usage = `Usage: test-client [--orders N [--concurrency C]] [--json]

Places orders the way users do, shows what happened and checks that it is true.
Without options it plays nine scenarios, then checks the invariants.

  --orders N       place N orders (1 to ${maxOrders}) as a load, instead of the scenarios
  --concurrency C  orders under way at a time (1 to ${maxConcurrency}, default ${defaultConcurrency})
  --json           print one JSON document on standard output, progress on standard error
  --help           print this

ORDER_SERVICE_ADDR, INVENTORY_SERVICE_ADDR, PAYMENT_SERVICE_ADDR and CATALOG_SERVICE_ADDR
point to running services; without them PostgreSQL and the services are started for the run.

Exit code: 0 all holds, 1 something does not, 2 wrong usage or configuration, 130 interrupted.
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
    orders: whole('--orders', orders, maxOrders),
    concurrency: whole('--concurrency', concurrency ?? String(defaultConcurrency), maxConcurrency),
  };
}

function whole(option: string, given: string, max: number): number {
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < 1 || value > max)
    throw new UsageError(`${option} must be a whole number from 1 to ${max}, not '${given}'`);
  return value;
}
