import { countValues } from '../../cmd/test-client/output/format.js';
import { groupBy, type Call } from './history.js';
import { actions, operatorActions, type Action } from './kinds.js';

/** Counts the requests that succeeded, by kind of order and by action. */
export function countSuccesses(calls: readonly Call[]): Record<string, number> {
  const rules: readonly Pick<Action, 'name' | 'method' | 'reason' | 'results'>[] = [
    ...actions,
    ...operatorActions,
  ];
  const succeeded: string[] = [];
  for (const attempts of groupBy(calls, ({ key }) => key).values()) {
    const { kind = '', action = '' } = attempts[0]?.purpose ?? {};
    const rule = rules.find(({ name }) => name === action);
    const results = (method: string, expected = 'ok'): number =>
      attempts.filter((call) => call.method === method && resultOf(call) === expected).length;
    if (results('CreateOrder') > 0) succeeded.push(kind);
    if (rule && results(rule.method, rule.reason) >= (rule.results ?? 1)) succeeded.push(action);
  }
  return countValues(succeeded);
}

/** Returns `ok`, `unknown`, or the reason of a definite failure. */
function resultOf({ result }: Call): string {
  return result.outcome === 'failed' ? result.reason : result.outcome;
}
