import path from 'node:path';
import type { Addresses, ServiceName } from './protocol.js';

/** Where everything is, for people. */
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

/** A table of all addresses, one process a line. */
export function addressTable({ services, postgres }: Endpoints): string {
  const rows = [
    ['', 'gRPC', 'metrics', 'log'],
    ...services.map(({ name, grpc, metrics, log }) => [name, grpc, metrics, shown(log)]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return [...lines, `PostgreSQL  ${postgres.url}`, `            ${shown(postgres.log)}`].join('\n');
}

/** Short where the reader stands. */
function shown(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}
