/** Latencies in milliseconds. All values are 0 without samples. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** Summarizes latencies. Percentiles use the nearest rank, so each percentile is a measured latency. */
export function summarize(latencies: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(latencies).toSorted();
  const percentile = (percent: number): number =>
    sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
  const sum = sorted.reduce((total, latency) => total + latency, 0);
  return {
    p50: percentile(50),
    p95: percentile(95),
    p99: percentile(99),
    max: percentile(100),
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
  };
}

/** Formats a duration, such as `8.4 ms`, `412 ms`, `12.6 s`. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

export function formatLatency({ p50, p95, p99, max }: LatencySummary): string {
  return `p50 ${formatMs(p50)} · p95 ${formatMs(p95)} · p99 ${formatMs(p99)} · max ${formatMs(max)}`;
}
