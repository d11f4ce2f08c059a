import type { Scope } from '../../pkg/runtime/scope.js';
import { orAborted } from './abort.js';
import { assertCertificates } from './certificates.js';
import { keepCluster, postgresEndpoint } from './cluster.js';
import type { DevConfig } from './config.js';
import { prepareDatabases } from './databases.js';
import type { Endpoints } from './endpoints.js';
import { Fleet } from './fleet.js';
import { awaitEndingSupervisor, endChildren } from './leftovers.js';
import { assignPorts } from './ports.js';
import type { ProcessId } from './process-id.js';
import type { ServiceName } from './protocol.js';
import { loadDemoData } from './seed.js';
import { StateFile } from './state-file.js';
import type { ServiceEvents } from './supervised-service.js';

export interface SupervisorDeps {
  /** The process to end with, if any. */
  readonly parent: ProcessId | undefined;
  /** Gives up the start. */
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
  readonly onRestarted: (service: ServiceName, pid: number) => void;
}

export interface Supervisor {
  readonly endpoints: Endpoints;
  /** Resolves with the killed pid. */
  kill(service: ServiceName): Promise<number>;
  /** From now on it is nobody's child. */
  release(): void;
}

/**
 * Starts PostgreSQL, the databases and the services, and loads the demo data.
 * @throws DevError that says what is in the way
 */
export async function startSupervisor(
  config: DevConfig,
  scope: Scope,
  deps: SupervisorDeps,
): Promise<Supervisor> {
  const { signal, onProgress } = deps;
  if (config.tlsDir !== undefined) assertCertificates(config.tlsDir);
  await orAborted(awaitEndingSupervisor(config.dataDir, onProgress), signal);
  const { own, stale } = StateFile.claim(config.dataDir, deps.parent);
  scope.use(own);
  if (stale) await orAborted(endChildren(stale, onProgress), signal);
  const ports = await assignPorts(config.ports);
  signal.throwIfAborted();
  const cluster = scope.use(await keepCluster(config, onProgress));
  await prepareDatabases(cluster, onProgress);
  signal.throwIfAborted();
  onProgress('starting the services');
  const fleet = scope.use(
    new Fleet({ config, ports, databaseUrl: cluster.url, events: serviceEvents(own, deps) }),
  );
  await orAborted(fleet.start(), signal);
  if (config.seed) await orAborted(loadDemoData(fleet.addresses, config, onProgress), signal);
  const { addresses, endpoints: services } = fleet;
  const endpoints = { addresses, services, postgres: postgresEndpoint(cluster, config) };
  own.update({ phase: 'ready', endpoints });
  scope.defer(() => own.update({ phase: 'stopping' }));
  return {
    endpoints,
    kill: (service) => fleet.kill(service),
    release: () => own.update({ parent: undefined }),
  };
}

function serviceEvents(own: StateFile, { onProgress, onRestarted }: SupervisorDeps): ServiceEvents {
  return {
    spawned: (_service, pid) => own.addChild(pid),
    ended: (service, how) => onProgress(`${service} ended (${how}); restarting it`),
    restarted: (service, pid) => {
      onProgress(`${service} serves again (process ${pid})`);
      onRestarted(service, pid);
    },
    forced: (service) => onProgress(`${service} did not stop in time and was killed`),
  };
}
