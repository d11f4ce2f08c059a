import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const directory = fileURLToPath(
  new URL('../../deployments/docker/observability/prometheus/', import.meta.url),
);

/** A recording or alerting rule of Prometheus. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Alert = Rule & { readonly alert: string };

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}

/** An `alert_rule_test` of `promtool test rules`: which instances of an alert fire at one time. */
export interface AlertExpectation {
  readonly alertname: string;
  readonly eval_time: string;
  /** Labels of the instances that must fire. If the list is empty or missing, the alert must not fire. */
  readonly exp_alerts?: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
}

interface RuleTestFile {
  readonly tests: readonly { readonly alert_rule_test?: readonly AlertExpectation[] }[];
}

/** Reads the rules in `prometheus/rules`, sorted by file name. */
export function loadRules(): Rule[] {
  return load<RuleFile>('rules').flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
}

export function loadAlerts(): Alert[] {
  return loadRules().filter((rule): rule is Alert => rule.alert !== undefined);
}

export interface RuleExpression {
  /** Name of the alert or recorded series. */
  readonly rule: string;
  readonly kind: 'alert' | 'record';
  readonly expr: string;
}

/** Returns the PromQL expressions of all alerting and recording rules. */
export function ruleExpressions(): RuleExpression[] {
  return loadRules().map(({ alert, record, expr }) =>
    alert === undefined ? { rule: record ?? '', kind: 'record', expr } : { rule: alert, kind: 'alert', expr },
  );
}

/** Reads the alert expectations in `prometheus/tests`. */
export function loadAlertExpectations(): AlertExpectation[] {
  return load<RuleTestFile>('tests').flatMap(({ tests }) =>
    tests.flatMap((test) => test.alert_rule_test ?? []),
  );
}

/** Returns the path of the runbook of an alert, relative to the root of the repository. */
export function runbookOf(alert: string): string {
  return `docs/runbooks/${alert.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}.md`;
}

function load<T>(kind: 'rules' | 'tests'): T[] {
  const folder = `${directory}${kind}`;
  return readdirSync(folder)
    .toSorted()
    .map((file) => parse(readFileSync(`${folder}/${file}`, 'utf8')) as T);
}
