import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ServiceName } from '../../cmd/dev/supervisor/protocol.js';
import { serviceLogDir } from '../lab/stack/places.js';

export type LogLine = Readonly<Record<string, unknown>>;

/** Log file of a service. */
export function logFileOf(service: ServiceName): string {
  return path.join(serviceLogDir, `${service}.log`);
}

/** The JSON lines of a service's log. */
export function linesOf(service: ServiceName): LogLine[] {
  const lines = readFileSync(logFileOf(service), 'utf8').split('\n');
  // The last line may be incomplete.
  return lines.slice(0, -1).flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}
