/** Milliseconds; exact, from every sample. All zero without samples. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

/** Summarizes latencies in milliseconds. Percentiles by nearest rank: each is a latency that occurred. */
export function summarize(latencies: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (percent: number): number =>
    sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
  const sum = sorted.reduce((total, latency) => total + latency, 0);
  return {
    p50: at(50),
    p95: at(95),
    p99: at(99),
    max: at(100),
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
  };
}

/** For people: `8.4 ms`, `412 ms`, `12.6 s`. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

export function formatLatency({ p50, p95, p99, max }: LatencySummary): string {
  return `p50 ${formatMs(p50)} · p95 ${formatMs(p95)} · p99 ${formatMs(p99)} · max ${formatMs(max)}`;
}
