import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { business } from './business.js';
import { infrastructure } from './infrastructure.js';
import { serviceOverview } from './service-overview.js';
import { sla } from './sla.js';

/** Where Grafana reads them. */
export const folder = new URL('../../deployments/docker/observability/grafana/dashboards/', import.meta.url);

/** Every dashboard by the name of its file. */
export const dashboards: ReadonlyMap<string, () => Dashboard> = new Map([
  ['service-overview.json', serviceOverview],
  ['business.json', business],
  ['infrastructure.json', infrastructure],
  ['sla.json', sla],
]);

/** The text of a dashboard's file. */
export function fileText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
