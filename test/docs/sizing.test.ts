import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { services } from '../deployments/system.js';

describe('the sizing table', () => {
  const text = readFileSync('docs/docker-kubernetes.md', 'utf8');
  const [, section = ''] = text.split('### Sizing\n');
  const rows = section
    .split('\n## ', 1)[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('-service'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it('has measured figures of each service', () => {
    expect(rows?.map(([service]) => service)).to.deep.equal(services.map(({ name }) => name));
    for (const [service, ...figures] of rows ?? []) {
      expect(figures, service).to.have.length(4);
      for (const figure of figures) expect(figure, service).to.match(/^[\d.,]+( (ms|MiB))?$/);
    }
  });

  it('names the requests by which the autoscaler goes', () => {
    const files = ['overlays/production/resources', 'base/service/deployment', 'overlays/dev/resources'];
    const requests = files.map((file) =>
      /requests:[^]*?cpu: (\d+m)|value: \{ cpu: (\d+m)/.exec(
        readFileSync(`deployments/kubernetes/${file}.yaml`, 'utf8'),
      ),
    );
    const named = [...section.matchAll(/\((?:request )?(\d+m)\)/g)].map(([, request]) => request);
    expect(named).to.deep.equal(requests.map((found) => found?.[1] ?? found?.[2]));
  });

  it('agrees with itself: a core used to 70 %', () => {
    for (const [service, , cpuMs, rate] of rows ?? [])
      expect(Number(rate), service).to.be.closeTo(700 / Number.parseFloat(cpuMs ?? ''), 5);
  });
});
