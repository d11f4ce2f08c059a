import { getJson } from './http-json.js';

export interface LogLine {
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
}

interface Answer {
  readonly data: {
    readonly resultType: string;
    readonly result: readonly {
      readonly stream?: Readonly<Record<string, string>>;
      readonly metric?: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [string | number, string])[];
    }[];
  };
}

/** What Grafana asks of Loki. */
export class Loki {
  constructor(readonly url: string) {}

  /**
   * Lines or, of a metric expression, points, of the last quarter of an hour.
   * @throws Error with what Loki says to an expression that it cannot read
   */
  async query(expression: string): Promise<LogLine[]> {
    const now = Date.now();
    const answer = await getJson<Answer>(`${this.url}/loki/api/v1/query_range`, {
      query: expression,
      start: `${now - 900_000}000000`,
      end: `${now}000000`,
      step: '15s',
      limit: '500',
    });
    return (answer?.data.result ?? []).flatMap(({ stream, metric, values }) =>
      values.map(([, text]) => ({ labels: stream ?? metric ?? {}, text })),
    );
  }
}
