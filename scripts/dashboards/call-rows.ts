import type { Row } from './dashboard.js';
import { below } from './limits.js';
import { graph } from './panel.js';
import { over, overWithExemplars } from './query.js';

/** Calls of the chosen services and methods. Health checks are not counted by the services. */
const chosen = 'service=~"$service", method=~"$method"';
/** Streams last as long as their readers want. */
const answered = `${chosen}, method!~".+/Watch.+"`;

/** Rate, errors and durations of calls served and of calls made. */
export function callRows(): Row[] {
  return [calls(), latency(), callsToOthers()];
}

function calls(): Row {
  return {
    title: 'Calls',
    panels: [
      graph({
        title: 'Calls by method',
        description: 'Calls served per second. A service that others call shows what they do.',
        unit: 'reqps',
        width: 8,
        queries: [
          over(
            `sum by (service, method) (rate(requests_total{${chosen}}[$__rate_interval]))`,
            '{{service}} {{method}}',
          ),
        ],
      }),
      graph({
        title: 'Answers other than OK, by status',
        description:
          'Per second. NOT_FOUND, FAILED_PRECONDITION and their like are the business saying no; INTERNAL, ' +
          'UNAVAILABLE, DEADLINE_EXCEEDED and UNKNOWN are faults of ours, normally none.',
        unit: 'reqps',
        width: 8,
        queries: [
          over(
            `sum by (service, status) (rate(requests_total{${chosen}, status!="OK"}[$__rate_interval])) or on() vector(0)`,
            '{{service}} {{status}}',
          ),
        ],
      }),
      graph({
        title: 'Open connections',
        description:
          'Connections to the gRPC port, over all replicas. Few and long-lived; a saw-tooth is a client that ' +
          'reconnects all the time.',
        unit: 'none',
        width: 8,
        queries: [over('sum by (job) (active_connections{job=~"$service"})', '{{job}}')],
      }),
    ],
  };
}

function latency(): Row {
  const share = (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (service, le) (rate(request_duration_seconds_bucket{${answered}}[$__rate_interval])))`;
  return {
    title: 'Time to answer',
    panels: [
      graph({
        title: 'Percentiles by service',
        description:
          'Time from the arrival of a call to its answer, streams left out. The dots are single calls: each ' +
          'leads to its trace. Normal: half below 20 ms, 99 of 100 below 0.5 s.',
        unit: 's',
        width: 12,
        queries: [
          overWithExemplars(share(0.5), '{{service}} p50'),
          overWithExemplars(share(0.95), '{{service}} p95'),
          overWithExemplars(share(0.99), '{{service}} p99'),
        ],
      }),
      graph({
        title: '95th percentile by method',
        description: 'Which call is slow. The dots lead to traces.',
        unit: 's',
        width: 12,
        limits: below(0.3, 0.5),
        queries: [
          overWithExemplars(
            `histogram_quantile(0.95, sum by (service, method, le) (rate(request_duration_seconds_bucket{${answered}}[$__rate_interval])))`,
            '{{service}} {{method}}',
          ),
        ],
      }),
    ],
  };
}

function callsToOthers(): Row {
  const bySelf = 'service=~"$service"';
  return {
    title: 'Calls to other services',
    panels: [
      graph({
        title: 'Calls by target',
        description: 'Calls that the chosen services make, per second.',
        unit: 'reqps',
        width: 8,
        queries: [
          over(
            `sum by (service, target) (rate(client_requests_total{${bySelf}}[$__rate_interval]))`,
            '{{service}} → {{target}}',
          ),
        ],
      }),
      graph({
        title: 'Calls that did not end with OK',
        description:
          'As the caller saw them, by target and status. Faults here that the target does not show are the ' +
          'network or a target that is gone.',
        unit: 'reqps',
        width: 8,
        queries: [
          over(
            `sum by (service, target, status) (rate(client_requests_total{${bySelf}, status!="OK"}[$__rate_interval])) or on() vector(0)`,
            '{{service}} → {{target}} {{status}}',
          ),
        ],
      }),
      graph({
        title: '95th percentile by target and method',
        description: "Time as the caller saw it. Far above the target's own figure: the network, or a queue.",
        unit: 's',
        width: 8,
        queries: [
          overWithExemplars(
            `histogram_quantile(0.95, sum by (target, method, le) (rate(client_request_duration_seconds_bucket{${bySelf}}[$__rate_interval])))`,
            '{{target}} {{method}}',
          ),
        ],
      }),
    ],
  };
}
