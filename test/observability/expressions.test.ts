import { expect } from 'chai';
import { ruleExpressions } from '../../scripts/alerts/rules.js';
import {
  dashboardExpressions,
  withoutVariables,
  type DashboardExpression,
} from '../../scripts/dashboards/expressions.js';
import { troubleSeries } from './collector-trouble.js';
import { buy } from './orders.js';
import { selectorsIn } from './promql.js';
import { theTestClientRun } from './test-client-run.js';
import { callThatFails } from './trouble.js';
import { forLogs, needs, running } from './running.js';
import { eventuallyPasses } from './waiting.js';

/** Range of the queries; it is longer than a run of these tests. */
const window = '10m';
const waitMs = 60_000;

/** Whether the expression is a series that exists only after failures. collector-trouble.test.ts checks these series. */
function needsFailures(expression: string): boolean {
  return troubleSeries.some((name) => name === expression);
}

const panels = dashboardExpressions().map((panel) =>
  Object.assign(panel, { expr: withoutVariables(panel.expr, window) }),
);

async function hasData(expression: string): Promise<boolean> {
  const samples = await running('prometheus').query(expression);
  return samples.some(({ value }) => Number.isFinite(value));
}

/** Returns the expressions that have no data. */
async function without(expressions: readonly string[]): Promise<string[]> {
  const empty: string[] = [];
  for (const expression of new Set(expressions)) if (!(await hasData(expression))) empty.push(expression);
  return empty;
}

/** Waits until all expressions have data. */
function allHaveData(expressions: readonly string[]): Promise<void> {
  const expected = expressions.filter((one) => !needsFailures(one));
  return eventuallyPasses(async () => expect(await without(expected)).to.deep.equal([]), waitMs);
}

describe('The queries of dashboards and rules in Prometheus', function () {
  this.timeout(120_000);
  needs('prometheus', ...forLogs);

  before(async () => {
    await theTestClientRun();
    await callThatFails();
    // These currencies have 2, 0, 3 and 4 decimals.
    for (const currency of ['USD', 'JPY', 'BHD', 'CLF']) await buy({ currency });
  });

  for (const dashboard of new Set(panels.map((panel) => panel.dashboard))) {
    const isIncluded = (panel: DashboardExpression): boolean =>
      panel.datasource === 'prometheus' && panel.dashboard === dashboard;
    const expressions = panels.filter(isIncluded).map(({ expr }) => expr);

    it(`have data in every panel of ${dashboard}`, () => allHaveData(expressions));

    it(`use existing series in every panel of ${dashboard}`, () =>
      allHaveData(expressions.flatMap(selectorsIn)));
  }

  it('use existing series in every rule', () =>
    allHaveData(ruleExpressions().flatMap(({ expr }) => selectorsIn(expr))));

  it('have data in every recording rule', () =>
    allHaveData(ruleExpressions().flatMap(({ kind, rule }) => (kind === 'record' ? [rule] : []))));

  it('are valid in every alert', async () => {
    for (const { expr } of ruleExpressions()) await running('prometheus').query(expr);
  });
});

describe('The queries of dashboards in Loki', () => {
  needs(...forLogs);

  for (const { dashboard, panel, datasource, expr } of panels) {
    if (datasource !== 'loki') continue;
    it(`have data in '${panel}' of ${dashboard}`, () =>
      eventuallyPasses(async () => {
        expect(await running('loki').query(expr)).to.not.have.length(0);
      }, waitMs));
  }
});
