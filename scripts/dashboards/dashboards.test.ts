import { readdirSync, readFileSync } from 'node:fs';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { expect } from 'chai';
import { parse } from 'yaml';
import { dashboards, fileText, folder } from './all.js';
import { dashboardExpressions, withoutVariables } from './expressions.js';
import { knownMetrics } from './metric-names.js';
import { parsePromQl } from './promql.js';

const datasources = new Set(
  (
    parse(readFileSync(new URL('../provisioning/datasources/datasources.yaml', folder), 'utf8')) as {
      readonly datasources: readonly { readonly uid: string }[];
    }
  ).datasources.map(({ uid }) => uid),
);

describe('dashboards', () => {
  it('are the only files in the folder that Grafana loads, one file for each dashboard', () => {
    expect(readdirSync(folder)).to.have.members([...dashboards.keys()]);
  });

  for (const [name, build] of dashboards) {
    const built = build();
    const panels = (built.panels ?? []).filter((panel): panel is Panel => 'targets' in panel);

    describe(name, () => {
      it('equals the output of `make dashboards`', () => {
        expect(readFileSync(new URL(name, folder), 'utf8')).to.equal(fileText(built));
      });

      it('has the file name without .json as its uid', () => {
        expect(`${built.uid}.json`).to.equal(name);
      });

      it('has panels with a description, a unit and a known data source', () => {
        for (const { title, description, fieldConfig, datasource } of panels) {
          expect(description, title).to.match(/\.$/);
          expect(fieldConfig?.defaults.unit, title).to.be.a('string').and.not.empty;
          expect(datasources, title).to.include(datasource?.uid);
        }
      });

      it('has unique panel titles', () => {
        expect(new Set(panels.map(({ title }) => title))).to.have.property('size', panels.length);
      });

      it('fills every line without overlapping panels', () => {
        const usedCells = new Set<string>();
        for (const { title, gridPos } of panels) {
          const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
          expect(x + w, title).to.be.within(1, 24);
          for (let column = x; column < x + w; column++)
            for (let line = y; line < y + h; line++) {
              expect(usedCells, title).not.to.include(`${column},${line}`);
              usedCells.add(`${column},${line}`);
            }
        }
        expect(usedCells.size % 24, 'used cells of an incomplete line').to.equal(0);
      });
    });
  }
});

describe('dashboard expressions', () => {
  const expressions = dashboardExpressions();
  const known = knownMetrics();

  it('include every query of the panels and annotations', () => {
    const counts = [...dashboards.values()].map((build) => {
      const { panels = [], annotations } = build();
      const targets = panels.flatMap((panel) => ('targets' in panel ? (panel.targets ?? []) : []));
      return targets.length + (annotations?.list?.length ?? 0);
    });
    expect(expressions).to.have.length(counts.reduce((sum, count) => sum + count));
  });

  for (const { dashboard, panel, datasource, expr } of expressions)
    it(`are valid and use known metrics: dashboard ${dashboard}, panel ${panel}, expression ${expr.slice(0, 60)}`, () => {
      const expanded = withoutVariables(expr);
      expect(expanded).not.to.contain('$');
      if (datasource !== 'prometheus') return;
      const { metrics, syntaxErrors } = parsePromQl(expanded);
      expect(syntaxErrors).to.be.empty;
      expect(metrics).not.to.be.empty;
      for (const metric of metrics)
        expect(known, 'metrics in docs/monitoring.md and the rules').to.include(metric);
    });
});
