import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const folder = 'deployments/docker/observability';

interface PrometheusConfig {
  readonly scrape_configs: readonly {
    readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly port: number }[];
    readonly static_configs?: readonly { readonly targets: readonly string[] }[];
  }[];
}

interface Datasources {
  readonly datasources: readonly { readonly url: string }[];
}

/** `host:port` of every target of Prometheus, except Prometheus itself. */
export function scraped(): string[] {
  const config = read('prometheus/prometheus.yaml') as PrometheusConfig;
  const byName = config.scrape_configs.flatMap(({ dns_sd_configs: found = [] }) =>
    found.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
  );
  const fixed = config.scrape_configs.flatMap(({ static_configs: found = [] }) =>
    found.flatMap((one) => one.targets),
  );
  return [...byName, ...fixed].filter((target) => !target.startsWith('localhost:'));
}

/** `host:port` of the data sources of Grafana. */
export function queried(): string[] {
  return (read('grafana/provisioning/datasources/datasources.yaml') as Datasources).datasources.map(
    ({ url }) => new URL(url).host,
  );
}

/** `host:port` of Jaeger and Loki: the default endpoints in the configuration of the Collector. */
export function sentTo(): string[] {
  const text = readFileSync(`${folder}/otel-collector/config.yaml`, 'utf8');
  const defaults = text.matchAll(
    /endpoint: \$\{env:COLLECTOR_(?:JAEGER|LOKI)_ENDPOINT:-(?:http:\/\/)?([a-z]+:\d+)/g,
  );
  return [...defaults].map(([, target = '']) => target);
}

function read(name: string): unknown {
  return parse(readFileSync(`${folder}/${name}`, 'utf8'));
}
