import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import { softwareVersion } from '../version.js';

/** Creates the resource of the process. `overrides` can replace every attribute except the service name. */
export function processResource(service: string, overrides: Readonly<Record<string, string>>): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      [ATTR_SERVICE_VERSION]: softwareVersion,
      [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
      'host.name': hostname(),
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      ...overrides,
      [ATTR_SERVICE_NAME]: service,
    }),
  );
}

/**
 * Parses `key=value,key=value` with percent-encoded `,` and `=` in keys and values (OpenTelemetry
 * specification, Resource SDK, OTEL_RESOURCE_ATTRIBUTES).
 * @throws Error when any pair is malformed; the specification requires that the whole value is then discarded
 */
export function parseResourceAttributes(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(pairs.map(parsePair));
}

function parsePair(pair: string): [key: string, value: string] {
  const [key = '', value, ...rest] = pair.split('=').map((part) => decodeURIComponent(part.trim()));
  if (key === '' || value === undefined || rest.length > 0)
    throw new Error(`"${pair}" must be key=value, with "=" and "," in key or value percent-encoded`);
  return [key, value];
}
