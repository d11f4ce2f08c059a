import { Registry, type OpenMetricsContentType } from 'prom-client';

/** A scrape, ready to be sent. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

/** What is in a registry, in the format that the header `Accept` asks for: OpenMetrics, or Prometheus text. */
export async function metricsText(registry: Registry, accept: string | undefined): Promise<MetricsText> {
  if (!prefersOpenMetrics(accept))
    return { contentType: registry.contentType, body: await registry.metrics() };
  const metrics = registry.getMetricsAsArray() as unknown as Metric[];
  const families = await Promise.all(metrics.map(openMetricsFamily));
  return { contentType: openMetrics.contentType, body: `${families.join('\n')}\n# EOF\n` };
}

/** Only writes; it holds no metrics, because writing them would rename them for the other format. */
const openMetrics = new Registry<OpenMetricsContentType>();
openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

interface Metric {
  get(): Promise<{ readonly name: string; readonly type: string }>;
}

interface Writer {
  getMetricsAsString(metric: Metric): Promise<string>;
}

/** OpenMetrics names a counter without the suffix `_total` that its samples have. */
function openMetricsFamily(metric: Metric): Promise<string> {
  const get = async (): ReturnType<Metric['get']> => {
    const family = await metric.get();
    return family.type === 'counter' ? { ...family, name: family.name.replace(/_total$/, '') } : family;
  };
  return (openMetrics as unknown as Writer).getMetricsAsString({ get });
}

/** Whether a client names OpenMetrics, and wants plain text no more than that (RFC 9110, section 12.5.1). */
function prefersOpenMetrics(accept = ''): boolean {
  const ranges = accept.split(',').map(parseRange);
  const weight = (...types: readonly string[]): number =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const wanted = weight('application/openmetrics-text');
  return wanted > 0 && wanted >= weight('text/plain');
}

function parseRange(range: string): { readonly type: string; readonly quality: number } {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}
