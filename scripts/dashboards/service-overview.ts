import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { callRows } from './call-rows.js';
import { customerRow } from './customer-row.js';
import { dashboard, labelVariable, type Row } from './dashboard.js';
import { logs, stackedGraph } from './panel.js';
import { logCount, logLines } from './query.js';

export function serviceOverview(): Dashboard {
  return dashboard({
    uid: 'service-overview',
    title: 'Service Overview',
    description: 'Are customers served? If not: which service, which call, since when.',
    variables: [
      labelVariable('service', { of: 'process_info', label: 'service' }),
      labelVariable('method', { of: 'requests_total{service=~"$service"}', label: 'method' }),
    ],
    rows: [customerRow(), ...callRows(), logRow()],
  });
}

function logRow(): Row {
  const lines = '{service_name=~"$service", service_name!=""}';
  return {
    title: 'Log',
    panels: [
      stackedGraph({
        title: 'Lines by level',
        description: 'Log lines, by level. Mostly info; a rise of warnings or errors has a story below.',
        unit: 'short',
        width: 8,
        queries: [
          logCount(`sum by (detected_level) (count_over_time(${lines}[$__auto]))`, '{{detected_level}}'),
        ],
      }).height(10),
      logs({
        title: 'Warnings and errors',
        description:
          'Lines of level warn and above, the newest first. A line that belongs to a call has a link to its trace.',
        unit: 'none',
        width: 16,
        queries: [logLines(`${lines} | detected_level=~"warn|error|fatal|critical"`)],
      }),
    ],
  };
}
