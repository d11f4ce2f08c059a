import { parser } from '@prometheus-io/lezer-promql';

/** Metrics and syntax errors of a PromQL expression. */
export interface ParsedExpression {
  readonly metrics: readonly string[];
  /** One text per syntax error: the expression before the error, then `>>>`, then the invalid part. */
  readonly syntaxErrors: readonly string[];
}

export function parsePromQl(expr: string): ParsedExpression {
  const metrics = new Set<string>();
  const syntaxErrors: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) syntaxErrors.push(`${expr.slice(0, from)} >>> ${expr.slice(from, to)}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector')
        metrics.add(expr.slice(from, to));
    },
  });
  return { metrics: [...metrics], syntaxErrors };
}
