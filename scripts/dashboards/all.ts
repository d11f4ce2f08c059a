import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { business } from './business.js';
import { infrastructure } from './infrastructure.js';
import { serviceOverview } from './service-overview.js';
import { sla } from './sla.js';

/** Folder from which Grafana loads the dashboards. */
export const folder = new URL('../../deployments/docker/observability/grafana/dashboards/', import.meta.url);

/** Functions that build the dashboards; the key is the file name. */
export const dashboards: ReadonlyMap<string, () => Dashboard> = new Map([
  ['service-overview.json', serviceOverview],
  ['business.json', business],
  ['infrastructure.json', infrastructure],
  ['sla.json', sla],
]);

/** Returns the content of a dashboard's file. */
export function fileText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
