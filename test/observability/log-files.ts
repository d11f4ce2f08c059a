import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ServiceName } from '../../cmd/dev/protocol.js';
import { serviceLogDir } from './places.js';

export type LogLine = Readonly<Record<string, unknown>>;

/** Where a service that runs here writes its log. */
export function logFileOf(service: ServiceName): string {
  return path.join(serviceLogDir, `${service}.log`);
}

/** The lines of a service's log, without what is not JSON. */
export function linesOf(service: ServiceName): LogLine[] {
  const lines = readFileSync(logFileOf(service), 'utf8').split('\n');
  // The last one may be half written.
  return lines.slice(0, -1).flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}
