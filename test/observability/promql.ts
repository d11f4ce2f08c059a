import { parser } from '@prometheus-io/lezer-promql';

/** Every series selector in an expression, without its range: `up{job="a"}`. */
export function selectorsIn(expression: string): string[] {
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === 'VectorSelector') found.push(expression.slice(from, to));
    },
  });
  return [...new Set(found)];
}
