import { parser } from '@prometheus-io/lezer-promql';

/** What a PromQL expression reads, and where it is no PromQL. */
export interface ParsedExpression {
  readonly metrics: readonly string[];
  /** The text at which the parser stumbled. */
  readonly mistakes: readonly string[];
}

export function parsePromQl(expr: string): ParsedExpression {
  const metrics = new Set<string>();
  const mistakes: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) mistakes.push(`${expr.slice(0, from)} >>> ${expr.slice(from, to)}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector')
        metrics.add(expr.slice(from, to));
    },
  });
  return { metrics: [...metrics], mistakes };
}
