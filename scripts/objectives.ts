import { objectiveFaults } from '../pkg/observability/objective-faults.js';

/** Calls that the objectives are about, for PromQL: deployments/docker/observability/prometheus/rules/slo.yaml. */
export const countedCalls =
  'service="order-service", method=~"order[.]v1[.]OrderService/.+", method!~".+/Watch.+"';
/** Their final statuses that count against the objectives, for PromQL. */
export const faultStatuses = objectiveFaults.join('|');
