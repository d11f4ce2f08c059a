import { openTransport } from '../../pkg/rpc/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import type { AuditConfig } from './config.js';
import { reportOf, type Report } from './output/report.js';
import { Candidates } from './scan/candidates.js';
import { ExternalSort, type SortLimits } from './scan/external-sort.js';
import { Figures } from './scan/figures.js';
import { scan } from './scan/scan.js';
import { openServices } from './services.js';

export interface AuditOptions {
  readonly reconcile: boolean;
  readonly acknowledged?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: (text: string) => void;
  /** Entities per page, 1 to 1,000. */
  readonly pageSize?: number;
  /** Time between two readings of a candidate. */
  readonly pauseMs?: number;
  readonly sortLimits?: SortLimits;
}

/** A page of orders with many lines must stay below the largest message, 4 MiB. */
const defaultPageSize = 200;
const defaultPauseMs = 3000;
const parallel = 8;

/**
 * Reads the services and reports the violated invariants.
 * @throws AppError when a service cannot be read
 */
export async function runAudit(config: AuditConfig, options: AuditOptions): Promise<Report> {
  const { signal, pageSize = defaultPageSize, pauseMs = defaultPauseMs } = options;
  const scope = new Scope();
  const startedAt = new Date();
  try {
    const transport = scope.use(await openTransport({ tls: config.tls }));
    const services = scope.use(openServices(config.addresses, { transport, signal }));
    const sort = scope.use(await ExternalSort.create(options.sortLimits));
    const candidates = new Candidates();
    const figures = new Figures();
    const tell = options.onProgress ?? (() => undefined);
    const onProgress = (entities: string, count: number): void => tell(`${count} ${entities} read`);
    const context = { services, sort, candidates, figures, pageSize, parallel, onProgress, signal };
    const { reconcile, acknowledged } = options;
    await scan(context, { reconcileOnly: reconcile, acknowledged });
    tell(`${candidates.size} candidates are read again`);
    const confirmation = await candidates.confirm(services, { pauseMs, parallel, signal });
    const durationMs = Date.now() - startedAt.getTime();
    const { addresses } = config;
    const { dropped } = candidates;
    return reportOf({ startedAt, durationMs, addresses, reconcile, figures, dropped, ...confirmation });
  } finally {
    await scope.close();
  }
}
