import { execFile } from 'node:child_process';
import { loadEnvironment } from '../../pkg/config/index.js';
import { running, telemetrySettings } from './running.js';

interface Document {
  readonly ok: boolean;
  readonly scenarios: readonly {
    readonly number: number;
    readonly steps: readonly { readonly order_id?: string; readonly trace_id?: string }[];
  }[];
}

const limitMs = 110_000;

interface Run {
  readonly confirmed: { readonly orderId: string; readonly traceId: string };
}

let run: Promise<Run> | undefined;

/** Runs the scenarios of `make test-client` once against the services of this run. */
export function theTestClientRun(): Promise<Run> {
  return (run ??= readRun());
}

async function readRun(): Promise<Run> {
  const { scenarios, ok } = JSON.parse(await runTestClient()) as Document;
  if (!ok) throw new Error('a check of test-client failed: run make test-client');
  const steps = scenarios.find(({ number }) => number === 1)?.steps ?? [];
  const order = steps.find((step) => step.order_id !== undefined);
  return { confirmed: { orderId: order?.order_id ?? '', traceId: order?.trace_id ?? '' } };
}

function runTestClient(): Promise<string> {
  const { addresses } = running('system');
  const env = {
    ...loadEnvironment(),
    ...telemetrySettings(),
    ORDER_SERVICE_ADDR: addresses.order,
    INVENTORY_SERVICE_ADDR: addresses.inventory,
    PAYMENT_SERVICE_ADDR: addresses.payment,
    CATALOG_SERVICE_ADDR: addresses.catalog,
  };
  const args = ['--import', './dist/pkg/observability/register.js', 'dist/cmd/test-client/main.js', '--json'];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { env, timeout: limitMs, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`test-client failed: ${stderr.slice(-2000)}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
}
