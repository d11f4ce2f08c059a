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

describe('the dashboards', () => {
  it('are those in the folder that Grafana reads', () => {
    expect(readdirSync(folder)).to.have.members([...dashboards.keys()]);
  });

  for (const [name, build] of dashboards) {
    const built = build();
    const panels = (built.panels ?? []).filter((panel): panel is Panel => 'targets' in panel);

    describe(name, () => {
      it('is as its code says: run `make dashboards`', () => {
        expect(readFileSync(new URL(name, folder), 'utf8')).to.equal(fileText(built));
      });

      it('keeps its address', () => {
        expect(`${built.uid}.json`).to.equal(name);
      });

      it('says of every panel what it means, in which unit, and where its data is from', () => {
        for (const { title, description, fieldConfig, datasource } of panels) {
          expect(description, title).to.match(/\.$/);
          expect(fieldConfig?.defaults.unit, title).to.be.a('string').and.not.empty;
          expect(datasources, title).to.include(datasource?.uid);
        }
      });

      it('shows no title twice', () => {
        expect(new Set(panels.map(({ title }) => title))).to.have.property('size', panels.length);
      });

      it('fills every line and lets no panel lie on another', () => {
        const taken = new Set<string>();
        for (const { title, gridPos } of panels) {
          const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
          expect(x + w, title).to.be.within(1, 24);
          for (let column = x; column < x + w; column++)
            for (let line = y; line < y + h; line++) {
              expect(taken, title).not.to.include(`${column},${line}`);
              taken.add(`${column},${line}`);
            }
        }
        expect(taken.size % 24, 'cells left empty').to.equal(0);
      });
    });
  }
});

describe('the expressions of the dashboards', () => {
  const expressions = dashboardExpressions();
  const known = knownMetrics();

  it('are all there', () => {
    const asking = [...dashboards.values()].map((build) => {
      const { panels = [], annotations } = build();
      const targets = panels.flatMap((panel) => ('targets' in panel ? (panel.targets ?? []) : []));
      return targets.length + (annotations?.list?.length ?? 0);
    });
    expect(expressions).to.have.length(asking.reduce((sum, count) => sum + count));
  });

  for (const { dashboard, panel, datasource, expr } of expressions)
    it(`can be asked: ${dashboard}, ${panel}: ${expr.slice(0, 60)}`, () => {
      const asked = withoutVariables(expr);
      expect(asked).not.to.contain('$');
      if (datasource !== 'prometheus') return;
      const { metrics, mistakes } = parsePromQl(asked);
      expect(mistakes).to.be.empty;
      expect(metrics).not.to.be.empty;
      for (const metric of metrics) expect(known, 'docs/monitoring.md and the rules').to.include(metric);
    });
});
