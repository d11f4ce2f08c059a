import { loadRules } from './rules.js';

export interface RuleExpression {
  /** Name of the alert or of the recorded series. */
  readonly rule: string;
  readonly kind: 'alert' | 'record';
  readonly expr: string;
}

/** The PromQL of every alerting and recording rule. */
export function ruleExpressions(): RuleExpression[] {
  return loadRules().map(({ alert, record, expr }) =>
    alert === undefined ? { rule: record ?? '', kind: 'record', expr } : { rule: alert, kind: 'alert', expr },
  );
}
