import { objectiveFaults } from '../pkg/observability/index.js';

/** PromQL selector of the calls that the objectives count. It must equal the selector in prometheus/rules/slo.yaml. */
export const countedCalls =
  'service="order-service", method=~"order[.]v1[.]OrderService/.+", method!~".+/Watch.+"';
/** PromQL matcher of the final statuses that count against the objectives. */
export const faultStatuses = objectiveFaults.join('|');
