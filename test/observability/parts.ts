import type { Environment } from '../../pkg/config/index.js';
import type { Scope } from '../../pkg/runtime/scope.js';
import type { Inventory } from '../../scripts/observability-tools/inventory.js';
import type { ToolName } from '../../scripts/observability-tools/tool.js';
import type { Lacks } from './capabilities.js';
import { Jaeger } from './jaeger.js';
import { Loki } from './loki.js';
import { Prometheus } from './prometheus.js';
import { runCollector } from './run-collector.js';
import { runJaeger } from './run-jaeger.js';
import { runLoki } from './run-loki.js';
import { runPrometheus } from './run-prometheus.js';
import { runningSystem, startSystem, type System } from './system.js';

/** What tests look at; of the rest there is what can be had. */
export interface Parts {
  readonly system: System;
  readonly jaeger?: Jaeger;
  readonly prometheus?: Prometheus;
  readonly loki?: Loki;
  /** Those that the suite runs itself. */
  readonly collector?: Awaited<ReturnType<typeof runCollector>>;
  readonly ownJaeger?: Awaited<ReturnType<typeof runJaeger>>;
}

export interface StartOptions {
  readonly env: Environment;
  readonly inventory: Inventory;
  readonly lacks: Lacks;
  /** Ends what is started. */
  readonly scope: Scope;
  say(message: string): void;
}

/** The services and the stack that the environment names. */
export function useRunning({ env, scope }: StartOptions): Parts {
  return {
    system: scope.use(runningSystem(env)),
    ...clients({ jaeger: env['JAEGER_URL'], prometheus: env['PROMETHEUS_URL'], loki: env['LOKI_URL'] }),
  };
}

/** Runs the services, and of the stack whatever can be had. */
export async function runParts(options: StartOptions): Promise<Parts> {
  const { env, inventory, lacks, scope, say } = options;
  const start = starter(options);
  const program = (tool: ToolName): string => programOf(inventory, tool, tool);
  const jaeger = lacks.collector ? undefined : await start('Jaeger', await runJaeger(program('jaeger')));
  const isLokiOurs = !lacks.logs && !env['LOKI_URL'];
  const loki = isLokiOurs ? await runLoki(program('loki')) : undefined;
  // It takes its time, and nothing waits for it.
  const lokiStarted = loki && start('Loki', loki);
  lokiStarted?.catch(() => undefined);
  const lokiUrl = loki?.url ?? env['LOKI_URL'];
  const judged = { jaeger: jaeger?.otlp ?? '', loki: lokiUrl };
  const collector = jaeger && (await start('Collector', await runCollector(program('otelcol'), judged)));
  say('starting PostgreSQL and the services');
  const endpoint = collector?.endpoint ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const system = scope.use(await startSystem(serviceSettings(lacks.traces ? undefined : endpoint)));
  const targets = { ...system.metricsTargets, ...metricsOf({ jaeger, loki, 'otel-collector': collector }) };
  const prometheus = lacks.metrics
    ? undefined
    : await start('Prometheus', await runPrometheus(program('prometheus'), targets));
  await lokiStarted;
  const urls = { jaeger: jaeger?.url ?? env['JAEGER_URL'], prometheus: prometheus?.url, loki: lokiUrl };
  return { system, ...clients(urls), ...(jaeger && collector ? { collector, ownJaeger: jaeger } : {}) };
}

interface Part {
  start(): Promise<unknown>;
  close(): Promise<void>;
}

function starter({ scope, say }: StartOptions) {
  return async <P extends Part>(name: string, part: P): Promise<P> => {
    say(`starting ${name}`);
    scope.use(part);
    await part.start();
    return part;
  };
}

/** @throws Error when it was not found: then it was a lack */
export function programOf(inventory: Inventory, tool: ToolName, name: string): string {
  const found = inventory[tool];
  const file = found && 'programs' in found ? found.programs[name] : undefined;
  if (file === undefined) throw new Error(`${name} was not found`);
  return file;
}

/** Spans leave at once, so that nobody waits for them. */
export function serviceSettings(endpoint: string | undefined): Environment {
  return endpoint === undefined
    ? { OTEL_TRACES_EXPORTER: 'none' }
    : {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_TRACES_SAMPLER: 'parentbased_always_on',
        OTEL_BSP_SCHEDULE_DELAY: '200',
      };
}

function metricsOf(
  parts: Readonly<Record<string, { readonly metrics: string } | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([job, part]) => (part ? [[job, part.metrics]] : [])),
  );
}

type Urls = Readonly<Record<'jaeger' | 'prometheus' | 'loki', string | undefined>>;

function clients({ jaeger, prometheus, loki }: Urls): Pick<Parts, 'jaeger' | 'prometheus' | 'loki'> {
  return {
    ...(jaeger ? { jaeger: new Jaeger(jaeger) } : {}),
    ...(prometheus ? { prometheus: new Prometheus(prometheus) } : {}),
    ...(loki ? { loki: new Loki(loki) } : {}),
  };
}
