import type { Environment } from '../../pkg/config/index.js';
import { addressSettings } from '../../pkg/rpc/config.js';
import type { Inventory } from '../../scripts/observability-tools/inventory.js';
import type { ToolName } from '../../scripts/observability-tools/tool.js';

/** What tests may need. */
export const capabilities = {
  traces: 'the traces of orders, in Jaeger',
  collector: 'a Collector that may be stopped, and its tail sampling',
  metrics: 'targets, metrics, exemplars and expressions, in Prometheus',
  logs: 'log lines in Loki',
  processes: 'services that may be killed, and their log files',
  promtool: 'the syntax and the tests of the alert rules',
} as const;

export type Capability = keyof typeof capabilities;

/** Why something cannot be, and what would bring it. */
export interface Lack {
  readonly reason: string;
  readonly remedy: string;
}

/** Undefined where all is there. */
export type Lacks = Readonly<Record<Capability, Lack | undefined>>;

/** Whether the services under test run already, as `test-client` can be told too. */
export function runElsewhere(env: Environment): boolean {
  return Object.keys(addressSettings).every((name) => isSet(env, name));
}

/** What cannot be verified here, by the environment and what `make observability-tools` found. */
export function lacksOf(env: Environment, inventory: Inventory): Lacks {
  return {
    ...(runElsewhere(env) ? lacksElsewhere(env) : lacksHere(env, inventory)),
    promtool: lackOf(inventory, 'prometheus'),
  };
}

type Rest = Omit<Lacks, 'promtool'>;

function lacksElsewhere(env: Environment): Rest {
  const notOurs = {
    reason: 'the services run elsewhere: they are not ours to stop',
    remedy: `unset ${Object.keys(addressSettings).join(', ')}`,
  };
  const needs = (variable: string): Lack | undefined =>
    isSet(env, variable)
      ? undefined
      : { reason: `the services run elsewhere and ${variable} is not set`, remedy: `set ${variable}` };
  return {
    traces: needs('JAEGER_URL'),
    metrics: needs('PROMETHEUS_URL'),
    logs: needs('LOKI_URL'),
    collector: notOurs,
    processes: notOurs,
  };
}

function lacksHere(env: Environment, inventory: Inventory): Rest {
  const jaeger = lackOf(inventory, 'jaeger');
  const otelcol = lackOf(inventory, 'otelcol');
  const halfGiven = isSet(env, 'JAEGER_URL') !== isSet(env, endpoint) ? pairNeeded : undefined;
  const foreign = isSet(env, endpoint)
    ? { reason: 'the Collector runs elsewhere', remedy: `unset ${endpoint} and JAEGER_URL` }
    : undefined;
  const blind = isSet(env, 'PROMETHEUS_URL')
    ? {
        reason: 'a Prometheus elsewhere does not scrape services that start here',
        remedy: 'unset PROMETHEUS_URL',
      }
    : undefined;
  return {
    traces: halfGiven ?? jaeger ?? otelcol,
    collector: foreign ?? jaeger ?? otelcol,
    metrics: blind ?? lackOf(inventory, 'prometheus'),
    logs: foreign ?? otelcol ?? lackOf(inventory, 'loki'),
    processes: undefined,
  };
}

const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';

const pairNeeded: Lack = {
  reason: `one of JAEGER_URL and ${endpoint} is set: spans would not arrive where they are looked for`,
  remedy: 'set both, or neither',
};

function lackOf(inventory: Inventory, tool: ToolName): Lack | undefined {
  const found = inventory[tool];
  if (found === undefined)
    return { reason: `${tool} was not looked for`, remedy: 'make observability-tools' };
  return 'reason' in found ? found : undefined;
}

function isSet(env: Environment, name: string): boolean {
  return (env[name] ?? '') !== '';
}
