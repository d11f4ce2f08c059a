import { Scope } from '../../pkg/runtime/scope.js';
import type { Environment } from '../../pkg/config/index.js';
import { isAvailable } from '../lab/requirements.js';
import { Jaeger } from '../lab/stack/jaeger.js';
import { Loki } from '../lab/stack/loki.js';
import { aCollector, aJaeger, aLoki, aPrometheus } from '../lab/stack/programs.js';
import { Prometheus } from '../lab/stack/prometheus.js';
import type { ToolName } from '../lab/tools/table.js';
import { startSystem, type System } from './system.js';

/** The services, and the available parts of the stack. */
export interface Parts {
  readonly system: System;
  readonly jaeger?: Jaeger;
  readonly prometheus?: Prometheus;
  readonly loki?: Loki;
  readonly collector?: Awaited<ReturnType<typeof aCollector>>;
}

/** Tools that tests of traces and tests of logs need. */
export const forTraces = ['jaeger', 'otelcol'] as const;
export const forLogs = ['jaeger', 'otelcol', 'loki'] as const;

const has = (tools: readonly ToolName[]): boolean => tools.every(isAvailable);
const scope = new Scope();
let parts: Parts | undefined;

/** Starts the services and the available parts of the stack. */
export async function startParts(say: (message: string) => void): Promise<void> {
  const start = async <P extends { start(): Promise<unknown>; close(): Promise<void> }>(
    name: string,
    part: P,
  ): Promise<P> => {
    say(`starting ${name}`);
    scope.use(part);
    await part.start();
    return part;
  };
  const jaeger = has(forTraces) ? await start('Jaeger', await aJaeger()) : undefined;
  const loki = has(forLogs) ? await aLoki() : undefined;
  // Loki starts slowly, so the other parts start at the same time.
  const lokiStarted = loki && start('Loki', loki);
  lokiStarted?.catch(() => undefined);
  const backends = { jaeger: jaeger?.otlp ?? '', loki: loki?.url };
  const collector = jaeger && (await start('Collector', await aCollector(backends)));
  say('starting PostgreSQL and the services');
  const system = scope.use(await startSystem(serviceSettings(collector?.endpoint)));
  const metrics = Object.entries({ jaeger, loki, 'otel-collector': collector });
  const stackTargets = metrics.flatMap(([job, part]) => (part ? [[job, part.metrics] as const] : []));
  const targets = { ...system.metricsTargets, ...Object.fromEntries(stackTargets) };
  const prometheus = has(['prometheus']) ? await start('Prometheus', await aPrometheus(targets)) : undefined;
  await lokiStarted;
  parts = {
    system,
    ...(jaeger && { jaeger: new Jaeger(jaeger.url) }),
    ...(prometheus && { prometheus: new Prometheus(prometheus.url) }),
    ...(loki && { loki: new Loki(loki.url) }),
    ...(collector && { collector }),
  };
}

export function stopParts(): Promise<void> {
  return scope.close();
}

/** Services export spans every 200 ms, so that tests do not wait for the default of 5 s. */
function serviceSettings(endpoint: string | undefined): Environment {
  if (endpoint === undefined) return { OTEL_TRACES_EXPORTER: 'none' };
  return {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  };
}

/** Telemetry settings of a process that is not a service. */
export function telemetrySettings(): Environment {
  return serviceSettings(parts?.collector?.endpoint);
}

/** Skips the tests of a block if a tool is missing. The run reports the missing tools at its end. */
export function needs(...tools: readonly ToolName[]): void {
  before(function () {
    if (!has(tools)) this.skip();
  });
}

/** @throws Error if the part does not run. A test block calls {@link needs} so that its tests are skipped instead. */
export function running<N extends keyof Parts>(name: N): NonNullable<Parts[N]> {
  const part = parts?.[name];
  if (part === undefined) throw new Error(`${name} does not run`);
  return part;
}

/** Restarts the Collector with the settings that it had at the start of the run. */
export async function restoreCollector(): Promise<void> {
  await parts?.collector?.close();
  await parts?.collector?.start();
}
