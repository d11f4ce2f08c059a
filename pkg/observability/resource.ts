import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import { softwareVersion } from './version.js';

/** What says which process a span is from; `given` wins, except over the name. */
export function processResource(service: string, given: Readonly<Record<string, string>>): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      [ATTR_SERVICE_VERSION]: softwareVersion,
      [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
      'host.name': hostname(),
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
      ...given,
      [ATTR_SERVICE_NAME]: service,
    }),
  );
}
