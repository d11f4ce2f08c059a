import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { loadAlertExpectations, loadAlerts, ruleExpressions, runbookOf } from '../../scripts/alerts/rules.js';
import { knownMetrics } from '../../scripts/dashboards/metric-names.js';
import { parsePromQl } from '../../scripts/dashboards/promql.js';
import { codeBlocks } from './code-blocks.js';

const directory = 'docs/runbooks';
const withoutAlert = ['README.md', 'restore-from-backup.md'];
const pages = readdirSync(directory).filter((file) => file.endsWith('.md'));
const index = readFileSync(`${directory}/README.md`, 'utf8');

describe('alerts', () => {
  const alerts = loadAlerts();
  const names = [...new Set(alerts.map(({ alert }) => alert))];

  it('have a severity, a duration, a summary, a description, a runbook and a dashboard', () => {
    for (const { alert, labels, annotations, ...rule } of alerts) {
      expect(labels?.['severity'], alert).to.be.oneOf(['critical', 'warning']);
      expect(rule.for, alert).to.match(/^\d+[mh]$/);
      expect(annotations?.['summary'], alert).to.be.a('string').that.is.not.empty;
      expect(annotations?.['description'], alert).to.be.a('string').that.is.not.empty;
      expect(annotations?.['runbook_url'], alert).to.equal(runbookOf(alert));
      expect(annotations?.['dashboard'], alert).to.be.oneOf(
        ['service-overview', 'business', 'infrastructure', 'sla'].map((uid) => `/d/${uid}`),
      );
    }
  });

  it('each have a runbook whose heading is the name of the alert', () => {
    for (const alert of names) {
      expect(existsSync(runbookOf(alert)), `${runbookOf(alert)} exists`).to.equal(true);
      expect(readFileSync(runbookOf(alert), 'utf8').split('\n', 1)[0]).to.equal(`# ${alert}`);
    }
  });

  it('exist for every runbook', () => {
    const expected = [...names.map(runbookOf), ...withoutAlert.map((page) => `${directory}/${page}`)];

    expect(pages.map((page) => `${directory}/${page}`)).to.have.members(expected);
  });

  it('are listed in the index of the runbooks with their severities', () => {
    const rows = [...index.matchAll(/^\| \[(\w+)\]\(([\w-]+\.md)\) \| ([\w, ]+) \|/gm)];
    const listed = rows.map(([, alert, page, severities]) => ({ alert, page, severities }));
    const expected = names.map((alert) => ({
      alert,
      page: runbookOf(alert).slice(directory.length + 1),
      severities: severitiesOf(alert),
    }));

    expect(listed).to.have.deep.members(expected);
  });

  it('each have a case in `promtool test rules` in which they do not fire', () => {
    const silent = loadAlertExpectations().filter(({ exp_alerts: expected = [] }) => expected.length === 0);

    expect([...new Set(silent.map(({ alertname }) => alertname))]).to.have.members(names);
  });

  for (const { alert, labels = {} } of alerts) {
    const fixed = Object.entries(labels).filter(([, value]) => !value.includes('{{'));

    it(`fire in \`promtool test rules\`: alert ${alert} with ${fixed.flat().join(' ')}`, () => {
      const fired = loadAlertExpectations()
        .filter(({ alertname }) => alertname === alert)
        .flatMap(({ exp_alerts: expected = [] }) => expected);

      expect(fired.some((seen) => fixed.every(([name, value]) => seen.exp_labels[name] === value))).to.equal(
        true,
      );
    });
  }

  function severitiesOf(alert: string): string {
    const rules = alerts.filter((rule) => rule.alert === alert);
    return ['critical', 'warning']
      .filter((severity) => rules.some(({ labels }) => labels?.['severity'] === severity))
      .join(', ');
  }
});

/** Returns the syntax errors and the unknown metrics of PromQL expressions. */
function faultsIn(expressions: readonly string[]): string[] {
  const known = knownMetrics();
  return expressions
    .map(parsePromQl)
    .flatMap(({ syntaxErrors, metrics }) => syntaxErrors.concat(metrics.filter((name) => !known.has(name))));
}

describe('rules', () => {
  it('are valid PromQL and use only known metrics', () => {
    expect(faultsIn(ruleExpressions().map(({ expr }) => expr))).to.deep.equal([]);
  });
});

describe('runbooks', () => {
  const sections = ['Meaning', 'Diagnosis', 'Mitigation', 'Resolved when', 'Background'];

  for (const page of pages) {
    const text = readFileSync(`${directory}/${page}`, 'utf8');

    it(`have valid PromQL that uses only known metrics: ${page}`, () => {
      expect(faultsIn(codeBlocks(text, 'promql'))).to.deep.equal([]);
    });

    if (page === 'README.md') continue;

    it(`have the same sections: ${page}`, () => {
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).to.deep.equal(sections);
    });
  }
});
