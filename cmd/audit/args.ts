import { parseArgs } from 'node:util';
import { UsageError } from '../terminal/usage-error.js';

export interface Arguments {
  readonly json: boolean;
  readonly help: boolean;
  /** Only finds what one service has and another service lost. */
  readonly reconcile: boolean;
  /** File with the ids of acknowledged orders. */
  readonly acknowledged: string | undefined;
}

export const usage = `Usage: audit [--acknowledged FILE] [--json]
       audit --reconcile [--json]

Reads the running services over their public API and checks invariants 1 to 9 of the
system. The audit changes nothing, and is safe while orders are placed.

  --acknowledged FILE  also check that these orders exist: one order id on each line,
                       optionally followed by a state in which a client saw the order
  --reconcile          only find payments and reservations without an order, orders without
                       their payment or reservation, and gateway charges without a payment,
                       each with the next step for an operator
  --json               print one JSON document on standard output, progress on standard error
  --help               print this text

ORDER_SERVICE_ADDR, INVENTORY_SERVICE_ADDR and PAYMENT_SERVICE_ADDR select the services.

Exit code: 0 no violation, 1 violations, 2 the audit could not finish or the usage is invalid,
128 + signal number interrupted (Ctrl-C: 130).
`;

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  const { json = false, help = false, reconcile = false, acknowledged } = parse(argv);
  if (reconcile && acknowledged !== undefined)
    throw new UsageError('--acknowledged and --reconcile exclude each other');
  return { json, help, reconcile, acknowledged };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      options: {
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        reconcile: { type: 'boolean' },
        acknowledged: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
