import path from 'node:path';
import type { Addresses, ServiceName } from '../supervisor/protocol.js';

/** Addresses and log files of all processes, which `dev` prints. */
export interface Endpoints {
  readonly addresses: Addresses;
  readonly services: readonly ServiceEndpoint[];
  readonly postgres: { readonly url: string; readonly log: string };
}

export interface ServiceEndpoint {
  readonly name: ServiceName;
  /** `host:port` */
  readonly grpc: string;
  readonly metrics: string;
  readonly log: string;
}

/** Resident memory in bytes. A service that does not respond has no entry. */
export type Memory = Readonly<Partial<Record<ServiceName, number>>>;

const metricsTimeoutMs = 2000;

/** Reads the current memory of the services and formats the table of all processes. */
export async function describeEndpoints(endpoints: Endpoints): Promise<string> {
  const entries = await Promise.all(
    endpoints.services.map(async ({ name, metrics }) => [name, await residentMemory(metrics)] as const),
  );
  return endpointTable(endpoints, Object.fromEntries(entries.filter(([, bytes]) => bytes !== undefined)));
}

/** Formats a table with one line for each service, two lines for PostgreSQL and a last line with the total memory. */
export function endpointTable({ services, postgres }: Endpoints, memory: Memory): string {
  const rows = [
    ['', 'gRPC', 'metrics', 'memory', 'log'],
    ...services.map(({ name, grpc, metrics, log }) => [
      name,
      grpc,
      metrics,
      mebibytes(memory[name]),
      shortPath(log),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const total = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  return [
    ...lines,
    `PostgreSQL  ${postgres.url}`,
    `            ${shortPath(postgres.log)}`,
    `memory      ${mebibytes(total)} resident in ${services.length} services, without PostgreSQL`,
  ].join('\n');
}

async function residentMemory(metricsUrl: string): Promise<number | undefined> {
  try {
    const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(metricsTimeoutMs) });
    const match = /^process_resident_memory_bytes(?:\{.*\})? (\S+)/m.exec(await response.text());
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** Returns a relative path for a file in the working directory, and the unchanged path for other files. */
function shortPath(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}
