import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const directory = fileURLToPath(
  new URL('../../deployments/docker/observability/prometheus/', import.meta.url),
);

/** A recording or alerting rule, as Prometheus reads it. */
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

/** What one `promtool test rules` case expects of an alert at one moment. */
export interface AlertExpectation {
  readonly alertname: string;
  readonly eval_time: string;
  /** Without any, the alert must be silent. */
  readonly exp_alerts?: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
}

interface RuleTestFile {
  readonly tests: readonly { readonly alert_rule_test?: readonly AlertExpectation[] }[];
}

/** Every rule of `prometheus/rules`, in the order of the files. */
export function loadRules(): Rule[] {
  return load<RuleFile>('rules').flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
}

export function loadAlerts(): Alert[] {
  return loadRules().filter((rule): rule is Alert => rule.alert !== undefined);
}

/** Every expectation about an alert in `prometheus/tests`. */
export function loadAlertExpectations(): AlertExpectation[] {
  return load<RuleTestFile>('tests').flatMap(({ tests }) =>
    tests.flatMap((test) => test.alert_rule_test ?? []),
  );
}

/** Where the runbook of an alert is, from the root of the repository. */
export function runbookOf(alert: string): string {
  return `docs/runbooks/${alert.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}.md`;
}

function load<T>(kind: 'rules' | 'tests'): T[] {
  const folder = `${directory}${kind}`;
  return readdirSync(folder)
    .toSorted()
    .map((file) => parse(readFileSync(`${folder}/${file}`, 'utf8')) as T);
}
