import { getJson } from './http-json.js';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Target {
  readonly job: string;
  readonly health: string;
  readonly lastError: string;
}

export interface Exemplar {
  readonly series: Labels;
  readonly labels: Labels;
  readonly value: number;
}

interface Answer<T> {
  readonly data: T;
}

type Point = readonly [number, string];

/** Client of Prometheus's HTTP API. Grafana uses the same API. */
export class Prometheus {
  constructor(readonly url: string) {}

  /** @throws Error with Prometheus's message for an invalid expression */
  async query(expression: string): Promise<Sample[]> {
    const { resultType, result } = await this.#ask<{ resultType: string; result: unknown }>('query', {
      query: expression,
    });
    if (resultType === 'scalar') return [{ labels: {}, value: Number((result as Point)[1]) }];
    return (result as readonly { metric: Labels; value: Point }[]).map(({ metric, value }) => ({
      labels: metric,
      value: Number(value[1]),
    }));
  }

  async targets(): Promise<Target[]> {
    const { activeTargets } = await this.#ask<{
      activeTargets: readonly { labels: Labels; health: string; lastError: string }[];
    }>('targets');
    return activeTargets.map(({ labels, health, lastError }) => ({
      job: labels['job'] ?? '',
      health,
      lastError,
    }));
  }

  /** Returns the exemplars of the last 15 minutes. */
  async exemplars(expression: string): Promise<Exemplar[]> {
    const now = Date.now() / 1000;
    const query = { query: expression, start: String(now - 900), end: String(now) };
    const series = await this.#ask<
      readonly { seriesLabels: Labels; exemplars: readonly { labels: Labels; value: string }[] }[]
    >('query_exemplars', query);
    return series.flatMap(({ seriesLabels, exemplars }) =>
      exemplars.map(({ labels, value }) => ({ series: seriesLabels, labels, value: Number(value) })),
    );
  }

  async #ask<T>(what: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await getJson<Answer<T>>(`${this.url}/api/v1/${what}`, query);
    if (!answer) throw new Error(`${this.url} has no ${what}`);
    return answer.data;
  }
}
