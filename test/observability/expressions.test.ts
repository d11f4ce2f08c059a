import { expect } from 'chai';
import { ruleExpressions } from '../../scripts/alerts/expressions.js';
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
import { lacks, needs, running } from './verification.js';
import { becomesTrue } from './waiting.js';

/** Longer than a run, so that all of it counts. */
const window = '10m';
const waitMs = 60_000;

/** Do not exist before something has gone wrong. Of the Collector, collector-trouble.test.ts looks at them. */
function isOnlyInTrouble(expression: string): boolean {
  if (troubleSeries.some((name) => name === expression)) return true;
  return lacks.processes !== undefined && expression.includes('status=~"UNKNOWN|');
}

const panels = dashboardExpressions().map((panel) =>
  Object.assign(panel, { expr: withoutVariables(panel.expr, window) }),
);

async function hasData(expression: string): Promise<boolean> {
  const samples = await running('prometheus').query(expression);
  return samples.some(({ value }) => Number.isFinite(value));
}

/** Those of the expressions that have no data. */
async function without(expressions: readonly string[]): Promise<string[]> {
  const empty: string[] = [];
  for (const expression of new Set(expressions)) if (!(await hasData(expression))) empty.push(expression);
  return empty;
}

/** Waits until all of them have data. */
function allHaveData(expressions: readonly string[]): Promise<void> {
  const wanted = expressions.filter((one) => !isOnlyInTrouble(one));
  return becomesTrue(async () => expect(await without(wanted)).to.deep.equal([]), waitMs);
}

describe('What is asked of Prometheus', function () {
  this.timeout(120_000);
  needs('metrics');

  before(async () => {
    await theTestClientRun();
    if (!lacks.processes) await callThatFails();
    // In every number of decimals that money has.
    for (const currency of ['USD', 'JPY', 'BHD', 'CLF']) await buy({ currency });
  });

  for (const dashboard of new Set(panels.map((panel) => panel.dashboard))) {
    const asked = ({ datasource, dashboard: of }: DashboardExpression): boolean =>
      datasource === 'prometheus' && of === dashboard;
    const expressions = panels.filter(asked).map(({ expr }) => expr);

    it(`has an answer in every panel of ${dashboard}`, () => allHaveData(expressions));

    it(`is about series that exist, in every panel of ${dashboard}`, () =>
      allHaveData(expressions.flatMap(selectorsIn)));
  }

  it('is about series that exist, in every rule', () =>
    allHaveData(ruleExpressions().flatMap(({ expr }) => selectorsIn(expr))));

  it('is recorded by every recording rule', () =>
    allHaveData(ruleExpressions().flatMap(({ kind, rule }) => (kind === 'record' ? [rule] : []))));

  it('can be read, in every alert', async () => {
    for (const { expr } of ruleExpressions()) await running('prometheus').query(expr);
  });
});

describe('What is asked of Loki', () => {
  needs('logs');

  for (const { dashboard, panel, datasource, expr } of panels) {
    if (datasource !== 'loki') continue;
    it(`has an answer in '${panel}' of ${dashboard}`, () =>
      becomesTrue(async () => {
        expect(await running('loki').query(expr)).to.not.have.length(0);
      }, waitMs));
  }
});
