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

/** Client of Loki's HTTP API. Grafana uses the same API. */
export class Loki {
  constructor(readonly url: string) {}

  /**
   * Evaluates an expression over the last 15 minutes. Returns log lines, or the points of a metric expression.
   * @throws Error with Loki's message for an invalid expression
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
