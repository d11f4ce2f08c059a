import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import {
  containersOf,
  objectOf,
  overlays,
  podsOf,
  render,
  type Container,
  type Workload,
} from './manifests.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

/** The most that a service took under load, MiB: measured, or what the table of docs/docker-kubernetes.md says. */
const measuredMiB = 250;
/** How much more is unusual. */
const margin = 1.1;
/** Node takes half of a container's limit for its heap, but this at least, MiB (docs/docker-kubernetes.md). */
const leastHeapMiB = 256;

function mostMiB(): number {
  const [, table = ''] = readFileSync('docs/docker-kubernetes.md', 'utf8').split('### Sizing', 2);
  const figures = [...table.matchAll(/(\d+) MiB \|$/gm)].map(([, figure]) => Number(figure));
  return Math.max(measuredMiB, ...figures);
}

function toMiB(amount: string): number {
  const [, number = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(amount) ?? [];
  return Number(number) * ({ Mi: 1, Gi: 1024 }[unit] ?? Number.NaN);
}

interface Scaling {
  readonly metrics: readonly {
    readonly resource: { readonly name: string; readonly target: { readonly averageUtilization: number } };
  }[];
}

function memoryTarget(scaling: Scaling): number {
  const found = scaling.metrics.find(({ resource }) => resource.name === 'memory');
  return found?.resource.target.averageUtilization ?? 0;
}

describeWith(['kustomize'], 'memory', () => {
  for (const overlay of overlays) {
    const manifests = render(overlay);

    for (const { name } of services) {
      it(`scales ${name} only when it is unusual: ${overlay}`, () => {
        const { template } = objectOf(manifests, 'Deployment', name).spec as Workload;
        const [container] = template.spec.containers as [Container];
        const requested = toMiB(container.resources?.requests?.memory ?? '');
        const target = memoryTarget(objectOf(manifests, 'HorizontalPodAutoscaler', name).spec as Scaling);
        expect((requested * target) / 100).to.be.at.least(margin * mostMiB());
        expect(toMiB(container.resources?.limits?.memory ?? '')).to.be.at.least(1.5 * requested);
      });
    }
  }

  for (const name of [...overlays, 'smoke-test'] as const) {
    it(`has room beside the heap in every process of ours: ${name}`, () => {
      const ours = podsOf(render(name))
        .flatMap(containersOf)
        .filter(({ image }) => image.startsWith('order-processing/'));
      expect(ours).not.to.have.length(0);
      for (const { resources } of ours)
        expect(toMiB(resources?.limits?.memory ?? '')).to.be.at.least(2 * leastHeapMiB);
    });
  }
});
