import type { Scope } from '../../pkg/runtime/index.js';
import type { DevConfig } from './config.js';
import { postgresEndpoint, prepareDatabases, superviseCluster } from './postgres/cluster.js';
import { assertCertificates } from './services/certificates.js';
import { loadDemoData } from './services/demo-data.js';
import { assignPorts } from './services/ports.js';
import { ServiceGroup } from './services/service-group.js';
import type { ServiceEvents } from './services/supervised-service.js';
import { orAborted } from './supervisor/abort.js';
import { awaitStoppingSupervisor, endOrphanedProcesses } from './supervisor/orphaned-processes.js';
import type { ProcessId } from './supervisor/process-id.js';
import type { ServiceName } from './supervisor/protocol.js';
import { StateFile } from './supervisor/state-file.js';
import type { Endpoints } from './terminal/endpoints.js';

export interface SupervisorDeps {
  /** The supervisor stops when its parent process ends. */
  readonly parent: ProcessId | undefined;
  /** Aborts the start of the supervisor. */
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
  readonly onRestarted: (service: ServiceName, pid: number) => void;
}

export interface Supervisor {
  readonly endpoints: Endpoints;
  /** Kills a service and resolves with the pid of the killed process. */
  kill(service: ServiceName): Promise<number>;
  /** Detaches the supervisor from its parent process. */
  release(): void;
}

/**
 * Starts PostgreSQL, creates and migrates the databases, starts the services, and loads the demo data if `config.seed`
 * is true.
 * @throws DevError, or the abort reason of `deps.signal`
 */
export async function startSupervisor(
  config: DevConfig,
  scope: Scope,
  deps: SupervisorDeps,
): Promise<Supervisor> {
  const { signal, onProgress } = deps;
  if (config.tlsDir !== undefined) assertCertificates(config.tlsDir);
  await orAborted(awaitStoppingSupervisor(config.dataDir, onProgress), signal);
  const { stateFile, staleState } = StateFile.acquire(config.dataDir, deps.parent);
  scope.use(stateFile);
  if (staleState) await orAborted(endOrphanedProcesses(staleState, onProgress), signal);
  const ports = await assignPorts(config.ports);
  signal.throwIfAborted();
  const cluster = scope.use(await superviseCluster(config, onProgress));
  await prepareDatabases(cluster, onProgress);
  signal.throwIfAborted();
  onProgress('starting the services');
  const group = scope.use(
    new ServiceGroup({ config, ports, databaseUrl: cluster.url, events: serviceEvents(stateFile, deps) }),
  );
  await orAborted(group.start(), signal);
  if (config.seed) await orAborted(loadDemoData(group.addresses, config, onProgress), signal);
  const { addresses, endpoints: services } = group;
  const endpoints = { addresses, services, postgres: postgresEndpoint(cluster, config) };
  stateFile.update({ phase: 'ready', endpoints });
  scope.defer(() => stateFile.update({ phase: 'stopping' }));
  return {
    endpoints,
    kill: (service) => group.kill(service),
    release: () => stateFile.update({ parent: undefined }),
  };
}

function serviceEvents(stateFile: StateFile, { onProgress, onRestarted }: SupervisorDeps): ServiceEvents {
  return {
    spawned: (_service, pid) => stateFile.addChild(pid),
    exited: (service, cause) => onProgress(`${service} exited (${cause}); restarting it`),
    restarted: (service, pid) => {
      onProgress(`${service} is ready again (process ${pid})`);
      onRestarted(service, pid);
    },
    killed: (service) => onProgress(`${service} did not stop in time and was killed`),
  };
}
