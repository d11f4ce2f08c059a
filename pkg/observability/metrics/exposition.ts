import { Registry, type OpenMetricsContentType } from 'prom-client';

/** Response to a scrape of `/metrics`. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** Renders a registry as OpenMetrics if the header `Accept` prefers this format, else as Prometheus text. */
export async function metricsText(registry: Registry, accept: string | undefined): Promise<MetricsText> {
  if (!prefersOpenMetrics(accept))
    return { contentType: registry.contentType, body: await registry.metrics() };
  const metrics = registry.getMetricsAsArray() as unknown as Metric[];
  const families = await Promise.all(metrics.map(openMetricsFamily));
  return { contentType: openMetrics.contentType, body: `${families.join('\n')}\n# EOF\n` };
}

/**
 * Registry without metrics of its own, used only to render the metrics of another registry as OpenMetrics. Metrics are not registered here, because
 * a registry in OpenMetrics format renames them.
 */
const openMetrics = new Registry<OpenMetricsContentType>();
openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

interface Metric {
  get(): Promise<{ readonly name: string; readonly type: string }>;
}

interface Renderer {
  getMetricsAsString(metric: Metric): Promise<string>;
}

/** In OpenMetrics the samples of a counter have the suffix `_total`, but the name of the family does not. */
function openMetricsFamily(metric: Metric): Promise<string> {
  const get = async (): ReturnType<Metric['get']> => {
    const family = await metric.get();
    return family.type === 'counter' ? { ...family, name: family.name.replace(/_total$/, '') } : family;
  };
  return (openMetrics as unknown as Renderer).getMetricsAsString({ get });
}

/**
 * Content negotiation (RFC 9110, section 12.5.1). OpenMetrics is preferred if `Accept` names it with at least the
 * weight of plain text.
 */
function prefersOpenMetrics(accept = ''): boolean {
  const ranges = accept.split(',').map(parseRange);
  const weight = (...types: readonly string[]): number =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const openMetricsWeight = weight('application/openmetrics-text');
  return openMetricsWeight > 0 && openMetricsWeight >= weight('text/plain');
}

function parseRange(range: string): { readonly type: string; readonly quality: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}
