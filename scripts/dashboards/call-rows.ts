import type { Row } from './dashboard.js';
import { below, graph } from './panel.js';
import { rangeQuery, rangeQueryWithExemplars } from './query.js';

/** Selects calls by the variables `service` and `method` of the dashboard. */
const selected = 'service=~"$service", method=~"$method"';
/** Excludes WatchOrder and WatchStock: the client decides how long such a stream lasts. */
const withoutWatches = `${selected}, method!~".+/Watch.+"`;

/** Returns the rows with rate, errors and durations of server calls and client calls. */
export function callRows(): Row[] {
  return [calls(), latency(), clientCalls()];
}

function calls(): Row {
  return {
    title: 'Calls',
    panels: [
      graph({
        title: 'Calls by method',
        description: 'Served calls per second, including health checks and calls from other services.',
        unit: 'reqps',
        width: 8,
        queries: [
          rangeQuery(
            `sum by (service, method) (rate(requests_total{${selected}}[$__rate_interval]))`,
            '{{service}} {{method}}',
          ),
        ],
      }),
      graph({
        title: 'Responses other than OK, by status',
        description:
          'Responses per second. UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS and ' +
          'RESOURCE_EXHAUSTED are server faults. CANCELLED: the client ended the call. The other statuses are rejections. ' +
          'Normal: no server faults.',
        unit: 'reqps',
        width: 8,
        queries: [
          rangeQuery(
            `sum by (service, status) (rate(requests_total{${selected}, status!="OK"}[$__rate_interval])) or on() vector(0)`,
            '{{service}} {{status}}',
          ),
        ],
      }),
      graph({
        title: 'Open connections',
        description:
          'Connections to the gRPC ports of all replicas. Normal: few, long-lived connections. A saw-tooth pattern ' +
          'indicates a client that reconnects continuously.',
        unit: 'none',
        width: 8,
        queries: [rangeQuery('sum by (job) (active_connections{job=~"$service"})', '{{job}}')],
      }),
    ],
  };
}

function latency(): Row {
  const percentile = (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (service, le) (rate(request_duration_seconds_bucket{${withoutWatches}}[$__rate_interval])))`;
  return {
    title: 'Latency',
    panels: [
      graph({
        title: 'Percentiles by service',
        description:
          'Time from the arrival of a call to its end, without WatchOrder and WatchStock. Each dot is one call and links ' +
          'to the trace of the call. Normal: p50 below 20 ms, p99 below 0.5 s.',
        unit: 's',
        width: 12,
        queries: [
          rangeQueryWithExemplars(percentile(0.5), '{{service}} p50'),
          rangeQueryWithExemplars(percentile(0.95), '{{service}} p95'),
          rangeQueryWithExemplars(percentile(0.99), '{{service}} p99'),
        ],
      }),
      graph({
        title: '95th percentile by method',
        description: 'Each dot is one call and links to the trace of the call.',
        unit: 's',
        width: 12,
        thresholds: below(0.3, 0.5),
        queries: [
          rangeQueryWithExemplars(
            `histogram_quantile(0.95, sum by (service, method, le) (rate(request_duration_seconds_bucket{${withoutWatches}}[$__rate_interval])))`,
            '{{service}} {{method}}',
          ),
        ],
      }),
    ],
  };
}

function clientCalls(): Row {
  const selectedService = 'service=~"$service"';
  return {
    title: 'Calls to other services',
    panels: [
      graph({
        title: 'Calls by target',
        description: 'Calls of the selected services to other services, per second.',
        unit: 'reqps',
        width: 6,
        queries: [
          rangeQuery(
            `sum by (service, target) (rate(client_requests_total{${selectedService}}[$__rate_interval]))`,
            '{{service}} → {{target}}',
          ),
        ],
      }),
      graph({
        title: 'Calls that did not end with OK, by target',
        description:
          'Client calls per second, by target and status. If the panels of the target do not show the fault, the call did ' +
          'not reach the target.',
        unit: 'reqps',
        width: 6,
        queries: [
          rangeQuery(
            `sum by (service, target, status) (rate(client_requests_total{${selectedService}, status!="OK"}[$__rate_interval])) or on() vector(0)`,
            '{{service}} → {{target}} {{status}}',
          ),
        ],
      }),
      graph({
        title: '95th percentile by target and method',
        description:
          "Latency that the client measures. If it is far above the latency of the same method in the target's panels, " +
          'the network or a queue is slow.',
        unit: 's',
        width: 6,
        queries: [
          rangeQueryWithExemplars(
            `histogram_quantile(0.95, sum by (target, method, le) (rate(client_request_duration_seconds_bucket{${selectedService}}[$__rate_interval])))`,
            '{{target}} {{method}}',
          ),
        ],
      }),
      ejections(selectedService),
    ],
  };
}

function ejections(selectedService: string) {
  return graph({
    title: 'Ejected addresses',
    description:
      'Addresses per minute that the selected services left out, because calls to them ended without an answer. The log line ' +
      '`address ejected` names the address. Normal: 0.',
    unit: 'cpm',
    width: 6,
    queries: [
      rangeQuery(
        `sum by (service, target) (rate(client_address_ejections_total{${selectedService}}[$__rate_interval])) * 60`,
        '{{service}} → {{target}}',
      ),
    ],
  });
}
